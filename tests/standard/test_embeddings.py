"""langchain-tests' suites for the embeddings: without a network, and against the emulator."""

from typing import Any

import pytest
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

import emissary_emulator
from langchain_emissary import AtomaEmbeddings, EmissaryEmbeddings, OrqEmbeddings


@pytest.fixture(autouse=True)
def _at_the_emulator(emulator: emissary_emulator.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("emissary", "orq", "atoma"):
        monkeypatch.setenv(f"{name.upper()}_BASE_URL", f"{emulator.base_url}/{name}")
        monkeypatch.setenv(f"{name.upper()}_API_KEY", "test-key")


class Orq:
    embeddings_class = OrqEmbeddings
    embedding_model_params = {"model": "openai/text-embedding-3-small"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        env = {"ORQ_API_KEY": "from-env", "ORQ_BASE_URL": "https://orq.test"}
        return env, {"model": "m"}, {"api_key": "from-env", "base_url": "https://orq.test"}


class Atoma:
    embeddings_class = AtomaEmbeddings
    embedding_model_params = {"model": "intfloat/multilingual-e5-large-instruct"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        env = {"ATOMA_API_KEY": "from-env", "ATOMA_BASE_URL": "https://atoma.test"}
        return env, {"model": "m"}, {"api_key": "from-env", "base_url": "https://atoma.test"}


class Emissary:
    embeddings_class = EmissaryEmbeddings
    embedding_model_params = {"model": "search-checkpoint-1"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        env = {"EMISSARY_API_KEY": "from-env", "EMISSARY_BASE_URL": "https://emissary.test"}
        return env, {"model": "m"}, {"api_key": "from-env", "base_url": "https://emissary.test"}


class Deployment:
    embeddings_class = EmissaryEmbeddings
    embedding_model_params = {"project_id": "ms-1", "deployment_id": "dp-1"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        env = {
            "EMISSARY_API_KEY": "from-env",
            "EMISSARY_PROJECT_ID": "ms-env",
            "EMISSARY_DEPLOYMENT_ID": "dp-env",
        }
        return env, {}, {"project_id": "ms-env", "deployment_id": "dp-env"}


class TestOrqUnit(Orq, EmbeddingsUnitTests):
    pass


class TestAtomaUnit(Atoma, EmbeddingsUnitTests):
    pass


class TestEmissaryUnit(Emissary, EmbeddingsUnitTests):
    pass


class TestDeploymentUnit(Deployment, EmbeddingsUnitTests):
    pass


class TestOrqIntegration(Orq, EmbeddingsIntegrationTests):
    pass


class TestAtomaIntegration(Atoma, EmbeddingsIntegrationTests):
    pass


class TestEmissaryIntegration(Emissary, EmbeddingsIntegrationTests):
    pass


class TestDeploymentIntegration(Deployment, EmbeddingsIntegrationTests):
    pass
