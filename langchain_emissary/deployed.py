"""What Emissary's models share: which of its two APIs to speak."""

from __future__ import annotations

import os
from typing import Any

from pydantic import model_validator
from typing_extensions import Self

from emissary_transport.services import surface
from langchain_emissary.service_model import ServiceModel


class Deployed(ServiceModel):
    """A model that is a deployment, or named in the body."""

    project_id: str | None = None
    """Project of the deployment; from `EMISSARY_PROJECT_ID` if not given."""
    deployment_id: str | None = None
    """The deployment to ask; from `EMISSARY_DEPLOYMENT_ID` if neither it nor a model is given."""

    @model_validator(mode="after")
    def _find_deployment(self) -> Self:
        if self.model is None:
            self.project_id = self.project_id or os.environ.get("EMISSARY_PROJECT_ID")
            self.deployment_id = self.deployment_id or os.environ.get("EMISSARY_DEPLOYMENT_ID")
        surface(
            {
                "model": self.model,
                "project_id": self.project_id,
                "deployment_id": self.deployment_id,
                "tool_calling": getattr(self, "tool_calling", None),
            }
        )
        return self

    def _label(self, given: Any) -> str:
        return str(
            given.get("model") or given.get("deployment_id") or self.model or self.deployment_id
        )
