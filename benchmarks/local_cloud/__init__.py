"""How fast the local cloud is, beside plain moto and ministack, on the machine that runs this."""
