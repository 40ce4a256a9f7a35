"""The district of the planning tests, made once for the report's."""

from tests.infrastructure.plan.conftest import district

__all__ = ["district"]
