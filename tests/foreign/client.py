"""A conversation by the Python SDK, a client that is not ours: lists the tools and the hosts, runs two commands.

Usage: client.py MODE PROGRAM ARGUMENT...

MODE is the SDK's: `legacy` (initialize), `2026-07-28` (without), `auto` (asks the server). The environment is handed
on to the server. Prints one JSON object.
"""

import asyncio
import json
import os
import sys

from mcp import Client, StdioServerParameters

TALK = {
    "hosts": ("ssh_list_hosts", {}),
    "run": ("ssh_exec", {"target": "web1", "command": "echo from python; echo apart >&2; exit 4"}),
    "blocked": ("ssh_exec", {"target": "web1", "command": "printf forbidden"}),
}


async def main(mode: str, program: str, *arguments: str) -> None:
    server = StdioServerParameters(command=program, args=list(arguments), env=dict(os.environ))
    async with Client(server, mode=mode) as client:
        said = {"version": client.protocol_version}
        said["tools"] = [tool.name for tool in (await client.list_tools()).tools]
        for name, (tool, parameters) in TALK.items():
            result = await client.call_tool(tool, parameters)
            said[name] = result.model_dump(by_alias=True, mode="json")
        print(json.dumps(said))


asyncio.run(main(*sys.argv[1:]))
