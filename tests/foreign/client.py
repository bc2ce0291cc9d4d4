"""A conversation by the Python SDK, a client that is not ours: lists the tools and the hosts, runs two commands.

Usage: client.py MODE PROGRAM ARGUMENT...
       client.py MODE URL TOKEN

MODE is the SDK's: `legacy` (initialize), `2026-07-28` (without), `auto` (asks the server). The environment is handed
on to the server. Prints one JSON object.
"""

import asyncio
import json
import os
import sys

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

TALK = {
    "hosts": ("ssh_list_hosts", {}),
    "run": ("ssh_exec", {"target": "web1", "command": "echo from python; echo apart >&2; exit 4"}),
    "blocked": ("ssh_exec", {"target": "web1", "command": "printf forbidden"}),
}


def server_of(program: str, *arguments: str):
    if program.startswith("http://"):
        client = httpx2.AsyncClient(headers={"Authorization": f"Bearer {arguments[0]}"}, timeout=60)
        return streamable_http_client(program, http_client=client)
    return StdioServerParameters(command=program, args=list(arguments), env=dict(os.environ))


async def main(mode: str, program: str, *arguments: str) -> None:
    server = server_of(program, *arguments)
    async with Client(server, mode=mode) as client:
        said = {"version": client.protocol_version}
        said["tools"] = [tool.name for tool in (await client.list_tools()).tools]
        for name, (tool, parameters) in TALK.items():
            result = await client.call_tool(tool, parameters)
            said[name] = result.model_dump(by_alias=True, mode="json")
        print(json.dumps(said))


asyncio.run(main(*sys.argv[1:]))
