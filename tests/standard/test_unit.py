"""langchain-tests' unit suite for the chat models."""

from typing import Any

from langchain_tests.unit_tests import ChatModelUnitTests

from langchain_emissary import ChatAtoma, ChatEmissary, ChatOrq


class TestOrq(ChatModelUnitTests):
    chat_model_class = ChatOrq
    chat_model_params = {"model": "openai/gpt-4o", "api_key": "test"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        env = {"ORQ_API_KEY": "from-env", "ORQ_BASE_URL": "https://orq.test"}
        return env, {"model": "m"}, {"api_key": "from-env", "base_url": "https://orq.test"}


class TestAtoma(ChatModelUnitTests):
    chat_model_class = ChatAtoma
    chat_model_params = {"model": "meta-llama/Llama-3.3-70B-Instruct", "api_key": "test"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        env = {"ATOMASDK_BEARER_AUTH": "from-env", "ATOMA_BASE_URL": "https://atoma.test"}
        return env, {"model": "m"}, {"api_key": "from-env", "base_url": "https://atoma.test"}


class TestEmissary(ChatModelUnitTests):
    chat_model_class = ChatEmissary
    chat_model_params = {"model": "support-bot-checkpoint-3", "api_key": "test"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        env = {"EMISSARY_API_KEY": "from-env", "EMISSARY_BASE_URL": "https://emissary.test"}
        return env, {"model": "m"}, {"api_key": "from-env", "base_url": "https://emissary.test"}


class TestEmissaryDeployment(ChatModelUnitTests):
    chat_model_class = ChatEmissary
    chat_model_params = {"project_id": "ms-1", "deployment_id": "dp-1", "api_key": "test"}

    @property
    def init_from_env_params(self) -> tuple[dict[str, str], dict[str, Any], dict[str, Any]]:
        env = {
            "EMISSARY_CLIENT_API_KEY": "from-env",
            "EMISSARY_PROJECT_ID": "ms-env",
            "EMISSARY_DEPLOYMENT_ID": "dp-env",
        }
        return (
            env,
            {},
            {"api_key": "from-env", "project_id": "ms-env", "deployment_id": "dp-env"},
        )
