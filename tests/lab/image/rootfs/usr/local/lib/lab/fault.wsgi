# mypy: ignore-errors
# Stands before the application when the health check is to go wrong; how, and for how many seconds, stands in `health`.
import time

from blockerbugs.web import application as real

with open("/var/lib/blockerbugs-lab/shared/fleet/health") as said:
    HOW, seconds = said.read().split()
SECONDS, STARTED = float(seconds), time.time()


def application(environ, start_response):
    if HOW == "slow":
        time.sleep(SECONDS)
    elif HOW == "loop":
        start_response("302 Found", [("Location", "/blockerbugs/")])
        return [b""]
    elif HOW == "unavailable" and time.time() < STARTED + SECONDS:
        start_response("503 Service Unavailable", [])
        return [b"503"]
    elif HOW == "drip":
        start_response("200 OK", [("Content-Type", "text/html")])
        return dripping()
    return real(environ, start_response)


def dripping():
    while True:
        yield b" "
        time.sleep(SECONDS)
