"""What holds for all tests."""

from hypothesis import HealthCheck, settings

# a busy machine is no defect of what is tested; speed is measured in benchmarks/
settings.register_profile("trimtab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("trimtab")
