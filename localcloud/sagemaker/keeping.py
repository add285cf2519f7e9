"""What of SageMaker survives a restart: tables, records of jobs, endpoints; what ran has failed or is started again."""

from typing import TYPE_CHECKING, Any

from localcloud.cloud import Cloud
from localcloud.sagemaker.api import Regions
from localcloud.sagemaker.endpoint import Endpoint
from localcloud.sagemaker.jobs import ENDED
from localcloud.sagemaker.processing import ProcessingJob
from localcloud.sagemaker.service import TABLES
from localcloud.sagemaker.training import TrainingJob
from localcloud.sagemaker.transform import TransformJob
from localcloud.sagemaker.tuning import TuningJob

if TYPE_CHECKING:
    from localcloud.sagemaker.jobs import Job

_KINDS: "dict[str, type[Job]]" = {
    kind.kind: kind for kind in (TuningJob, TrainingJob, ProcessingJob, TransformJob)
}  # a tuning job fails before its training jobs do
_REASON = "InternalServerError: The local cloud was stopped while the job was in progress."


class _Keeper:
    """Dumps and loads the rows of four parts: tables, jobs by kind, endpoints and records of features, by region."""

    def __init__(self, cloud: Cloud, regions: Regions) -> None:
        self._regions = regions
        keep, lock = cloud.durable.keep, regions.lock
        self._tables = keep("sagemaker", dump=self._table, load=self._load_table, lock=lock, compare=True)
        self._jobs = keep("sagemaker-jobs", dump=self._job, load=self._load_job, lock=lock)
        self._features = keep("sagemaker-features", dump=self._feature, load=self._load_feature, lock=lock)
        self._endpoints = keep("sagemaker-endpoints", dump=self._endpoint, load=self._load_endpoint, lock=lock)

    def changed(self, region: str, kind: str, name: str) -> None:
        """The record of this job or endpoint is kept soon; without a kind the region's tables are."""
        if kind == Endpoint.kind:
            self._endpoints.changed(region, name)
        elif kind == "Feature":
            self._features.changed(region, *name.split("/", 1))
        elif kind:
            self._jobs.changed(region, kind, name)
        else:
            for table in [name] if name else TABLES:
                self._tables.changed(region, table)

    def _table(self, region: str, table: str) -> Any:
        return getattr(self._regions[region], table)

    def _load_table(self, value: Any, region: str, table: str) -> None:
        setattr(self._regions[region], table, value)

    def _job(self, region: str, kind: str, name: str) -> Any:
        return self._regions[region].jobs[kind].get(name)

    def _load_job(self, record: Any, region: str, kind: str, name: str) -> None:
        self._regions[region].jobs[kind][name] = record

    def _feature(self, region: str, group: str, identifier: str) -> Any:
        return self._regions[region].features.get(group, {}).get(identifier)

    def _load_feature(self, record: Any, region: str, group: str, identifier: str) -> None:
        self._regions[region].features.setdefault(group, {})[identifier] = record

    def _endpoint(self, region: str, name: str) -> Any:
        endpoint = self._regions[region].endpoints.get(name)
        return None if endpoint is None else endpoint.kept()

    def _load_endpoint(self, kept: Any, region: str, name: str) -> None:
        self._regions[region].endpoints[name] = Endpoint.restored(self._regions[region], name, kept)


def install(cloud: Cloud, regions: Regions) -> None:
    """Every change of a region's state is kept from now on, and taken up at the next start."""
    regions.on_change = _Keeper(cloud, regions).changed
    cloud.durable.on_restart(lambda: _restart(regions))


def _restart(regions: Regions) -> None:
    """Jobs that were in progress have failed, and endpoints are starting their fleets again."""
    for region in regions.known():
        for name, kind in _KINDS.items():
            for record in list(region.jobs[name].values()):
                if record[f"{name}Status"] not in ENDED:
                    kind(region, record).fail(_REASON)
        for endpoint in list(region.endpoints.values()):
            endpoint.resume()
