"""One module a service: what its wire looks like, as values and pure functions."""

from emissary_transport.services.atoma import ATOMA
from emissary_transport.services.emissary import (
    EMISSARY,
    EMISSARY_DEPLOYMENT,
    EMISSARY_NATIVE,
    surface,
)
from emissary_transport.services.orq import ORQ

__all__ = ["ATOMA", "EMISSARY", "EMISSARY_DEPLOYMENT", "EMISSARY_NATIVE", "ORQ", "surface"]
