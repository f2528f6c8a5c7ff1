"""Emissary's own SDK, which does not stream."""

from __future__ import annotations

from typing import Any

from emissary_client_sdk import EmissaryClient

from benchmarks.clients.base import KEY, Client


class EmissarySdk(Client):
    def __init__(self, url: str) -> None:
        super().__init__(url)
        sdk = EmissaryClient(api_key=KEY, server_url=f"{url}/emissary")
        self._completions = sdk.deployments.chat.completions

    def call(self, prompt: str) -> str:
        return str(self._completions.create(**_call(prompt)).response)

    async def acall(self, prompt: str) -> str:
        return str((await self._completions.create_async(**_call(prompt))).response)


def _call(prompt: str) -> dict[str, Any]:
    body = {"messages": [{"role": "user", "content": prompt}]}
    return {"project_id": "p", "deployment_id": "d", "request_body": body}
