"""A line that takes its time: `far.py ONE_WAY_SECONDS PORT=HOST:PORT…` listens on 127.0.0.1 and holds every byte back.

For kernels without netem. A connection is answered after a round trip; what is sent arrives that much later, in order.
"""

from __future__ import annotations

import asyncio
import sys


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Everything from one to the other, `delay` seconds later."""
    loop = asyncio.get_running_loop()
    on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def arrive() -> None:
        while True:
            due, chunk = await on_the_way.get()
            await asyncio.sleep(due - loop.time())
            if not chunk:
                writer.close()
                return
            writer.write(chunk)

    arriving = asyncio.create_task(arrive())
    chunk = b"-"
    while chunk:
        try:
            chunk = await reader.read(65536)
        except OSError:
            chunk = b""
        on_the_way.put_nowait((loop.time() + delay, chunk))
    await arriving


async def listen(delay: float, port: int, host: str, to: int) -> None:
    """Answer on `port`, as `host`:`to` would from far away."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(2 * delay)
        other_reader, other_writer = await asyncio.open_connection(host, to)
        await asyncio.gather(carry(reader, other_writer, delay), carry(other_reader, writer, delay))

    server = await asyncio.start_server(meet, "127.0.0.1", port)
    await server.serve_forever()


async def main(delay: float, lines: list[str]) -> None:
    """All lines, for ever."""
    ways = []
    for line in lines:
        port, _, target = line.partition("=")
        host, _, to = target.rpartition(":")
        ways.append(listen(delay, int(port), host, int(to)))
    await asyncio.gather(*ways)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), sys.argv[2:]))
