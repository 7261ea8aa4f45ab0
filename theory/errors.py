"""What can go wrong, as types: the caller's fault, an unmet assumption, or the numerics' fault."""


class InvalidInput(ValueError):
    """The caller passed something that has no meaning here; the message names the argument."""


class AssumptionError(InvalidInput):
    """A problem lies outside the assumptions of the theorems; `assumption` names which one."""

    def __init__(self, assumption: str, message: str) -> None:
        super().__init__(message)
        self.assumption = assumption

    def __reduce__(self) -> tuple[type["AssumptionError"], tuple[str, str]]:
        """Errors of worker processes travel pickled."""
        return type(self), (self.assumption, str(self))


class NumericalFailure(RuntimeError):
    """The numbers could not be computed to the promised accuracy; says nothing on the theorem."""


class IntegrationFailed(NumericalFailure):
    """No integrator finished within its budget of evaluations."""


class IntegratorsDisagree(NumericalFailure):
    """Two integrations of one flow differ by more than the accuracy asked for."""


class OracleFailed(NumericalFailure):
    """No solver returned a solution that carries its own certificate of optimality."""
