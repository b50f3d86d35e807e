"""Problems met in conditions and keys are dropped, and take no others with them."""

from engine.mapping.codes import BAD_DATE, UNKNOWN_AUTHORITY
from engine.mapping.run import MapContext, Run


def run_with_one_problem_taken_up() -> Run:
    run = Run(MapContext(), ())
    run.fault(BAD_DATE)
    run.mark(0, (), 1)
    return run


def test_problem_that_a_rule_took_up_stays_when_a_key_meets_another() -> None:
    run = run_with_one_problem_taken_up()
    run.fault(BAD_DATE)
    run.forget()
    assert len(run.faults) == 1


def test_problem_of_a_map_called_in_a_condition_is_dropped_though_taken_up() -> None:
    run = run_with_one_problem_taken_up()
    run.fault(BAD_DATE)
    run.mark(1, (), 1)
    run.forget(1)
    assert [pending.rule for pending in run.faults] == [0]


def test_problem_reported_once_is_still_reported_after_a_condition_met_it() -> None:
    run = Run(MapContext(), ())
    run.fault_once(UNKNOWN_AUTHORITY, "NVMRN")
    run.forget()
    assert run.faults == []
    run.fault_once(UNKNOWN_AUTHORITY, "NVMRN")
    run.fault_once(UNKNOWN_AUTHORITY, "NVMRN")
    assert [pending.again for pending in run.faults] == [False, True]
