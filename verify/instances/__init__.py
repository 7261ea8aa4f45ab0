"""Instances: what claims are tried on, as frozen records that go to JSON and back."""

from verify.instances.base import Instance, finite_or_none
from verify.instances.committee import CommitteeInstance
from verify.instances.files import COMMON, instance_from_json, read_instance, read_json
from verify.instances.flow import DEFAULT_C, FlowInstance, net_from_json, net_to_json
from verify.instances.kinds import Kind, kinds_of
from verify.instances.measures import measures_of
from verify.instances.record import Record
from verify.instances.with_bias import WithBias

__all__ = [
    "COMMON",
    "DEFAULT_C",
    "CommitteeInstance",
    "FlowInstance",
    "Instance",
    "Kind",
    "Record",
    "WithBias",
    "finite_or_none",
    "instance_from_json",
    "kinds_of",
    "measures_of",
    "net_from_json",
    "net_to_json",
    "read_instance",
    "read_json",
]
