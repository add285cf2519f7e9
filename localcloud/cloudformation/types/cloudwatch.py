"""AWS::CloudWatch::*"""

from localcloud.cloudformation.resource_type import ResourceType, words


def _alarm(name: str, operation: str, properties: str, required: str = "") -> ResourceType:
    return ResourceType(
        name,
        "cloudwatch",
        create=f"{operation} * AlarmName={{name}}",
        update=f"{operation} * AlarmName={{name}}",
        delete="delete_alarms AlarmNames={ref}",
        properties=words(f"AlarmName Tags {properties}"),
        required=words(required),
        replaced_by=words("AlarmName"),
        named=("AlarmName", 255),
        attributes={"Arn": "arn:aws:cloudwatch:{region}:{account}:alarm:{ref}"},
        tagged="ResourceARN={Arn}",
    )


TYPES = [
    _alarm(
        "AWS::CloudWatch::Alarm",
        "put_metric_alarm",
        "ActionsEnabled AlarmActions AlarmDescription ComparisonOperator DatapointsToAlarm Dimensions "
        "EvaluateLowSampleCountPercentile EvaluationPeriods ExtendedStatistic InsufficientDataActions MetricName "
        "Metrics Namespace OKActions Period Statistic Threshold ThresholdMetricId TreatMissingData Unit",
    ),
    _alarm(
        "AWS::CloudWatch::CompositeAlarm",
        "put_composite_alarm",
        "ActionsEnabled ActionsSuppressor ActionsSuppressorExtensionPeriod ActionsSuppressorWaitPeriod AlarmActions "
        "AlarmDescription AlarmRule InsufficientDataActions OKActions",
        required="AlarmRule",
    ),
    ResourceType(
        "AWS::CloudWatch::Dashboard",
        "cloudwatch",
        create="put_dashboard * DashboardName={name}",
        update="put_dashboard * DashboardName={name}",
        delete="delete_dashboards DashboardNames={ref}",
        properties=words("DashboardBody DashboardName"),
        required=words("DashboardBody"),
        replaced_by=words("DashboardName"),
        without_effect=words("Tags"),
        named=("DashboardName", 255),
    ),
]
