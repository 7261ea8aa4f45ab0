"""Strategies of committee machines in training: their domains as drawn."""

from hypothesis import given
from hypothesis import strategies as st

from theory.lazy_rich.hard_tasks import samples_for_all
from verify.instances import CommitteeInstance
from verify.profiles import hypothesis_settings
from verify.strategies import committee_training as strategies


def test_strategies_stay_in_their_domains() -> None:
    @hypothesis_settings(40, shrink=False)
    @given(
        st.tuples(
            strategies.knob_instances(("trained-readouts",)),
            strategies.memorising_instances(),
            strategies.generalising_instances(("uncentred",)),
            strategies.counted_instances((4, 8)),
            strategies.lazy_instances(("fixed-readouts",)),
        )
    )
    def check(instances: tuple[CommitteeInstance, ...]) -> None:
        knob, memorising, generalising, counted, lazy = (i.setting for i in instances)
        assert knob.trained_readout
        assert knob.signal != 1.0
        dimension = memorising.input_dim
        assert 4 * dimension <= memorising.samples < samples_for_all(dimension)
        assert not generalising.centred
        assert generalising.samples >= samples_for_all(generalising.input_dim)
        assert counted.width > counted.input_dim in (4, 8)
        assert not lazy.trained_readout
        assert lazy.output_scale >= 64
        assert lazy.samples < lazy.width * lazy.input_dim
        for instance in instances:
            data = instance.to_json()
            del data["model"]
            assert CommitteeInstance.from_json(data) == instance

    check()
