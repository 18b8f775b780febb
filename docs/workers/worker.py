"""A worker in Python, with the standard library alone: BASE=http://127.0.0.1:8787 API_KEY=... python3 worker.py letters default"""
import json, os, signal, socket, sys, threading, time, traceback, urllib.error, urllib.request

BASE, KEY = os.environ.get("BASE", "http://127.0.0.1:8787"), os.environ["API_KEY"]
DOMAIN = sys.argv[1] if len(sys.argv) > 1 else "letters"
QUEUE = sys.argv[2] if len(sys.argv) > 2 else "default"
WORKER, LEASE_SECONDS = f"{socket.gethostname()}-{os.getpid()}", int(os.environ.get("LEASE_SECONDS", "60"))
stopping = threading.Event()


class Refused(Exception):
    """The server answered that the call is wrong: a repetition changes nothing."""


def print_letter(payload, job):
    """The work. Its answer is the result of the job; what it raises fails the attempt."""
    time.sleep(0.05)
    return {"printed": payload["page"]}


HANDLERS = {"print": print_letter}


def post(path, body, patience=300):
    """Sends a call until it is answered, for up to `patience` seconds: all calls of a worker are safe to repeat."""
    end, pause = time.monotonic() + patience, 0.25
    data = json.dumps(body).encode()
    while True:
        request = urllib.request.Request(f"{BASE}/api/v1/jobs/{path}", data, {"X-API-KEY": KEY, "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code != 429:
                raise Refused(f"{path}: {error.code} {error.read().decode(errors='replace')}") from None
            trouble, asked = f"{error.code}", float(error.headers.get("Retry-After") or 0)
        except OSError as error:
            trouble, asked = str(error), 0
        if time.monotonic() > end or stopping.is_set() and path == "acquire":
            raise ConnectionError(f"{path}: {trouble}")
        print(f"{path} is sent again: {trouble}", file=sys.stderr)
        time.sleep(max(pause, min(asked, 60)))
        pause = min(pause * 2, 10)


def renew(lease, done):
    """Renews the lease at every third of it, until the job is done."""
    while not done.wait(LEASE_SECONDS / 3):
        try:
            post(f"{lease['id']}/renew", {**lease["by"], "lease_seconds": LEASE_SECONDS}, patience=LEASE_SECONDS / 4)
        except Exception as error:
            print(f"job {lease['id']}: {error}", file=sys.stderr)


def run(job):
    lease, done = {"id": job["id"], "by": {"worker_id": WORKER, "lease_id": job["lease_id"]}}, threading.Event()
    threading.Thread(target=renew, args=(lease, done), daemon=True).start()
    try:
        end = "complete", {"result": HANDLERS[job["job_type"]](job["payload"], job)}
    except Exception as error:
        stack = traceback.format_exc()[-10_000:]
        end = "fail", {"error": str(error)[:10_000] or type(error).__name__, "error_class": type(error).__name__, "error_stack": stack}
    done.set()
    try:
        # With a completion token a finish that is sent twice is answered as the first time.
        post(f"{job['id']}/{end[0]}", {**lease["by"], "completion_token": job["lease_id"], **end[1]})
    except (Refused, ConnectionError) as error:
        print(f"job {job['id']}: {error}", file=sys.stderr)


for name in (signal.SIGTERM, signal.SIGINT):
    signal.signal(name, lambda *_: stopping.set())
while not stopping.is_set():
    try:
        wanted = {"domain": DOMAIN, "queue": QUEUE, "worker_id": WORKER, "lease_seconds": LEASE_SECONDS, "job_types": list(HANDLERS), "wait_seconds": 5}
        for job in post("acquire", wanted)["jobs"]:
            run(job)
    except ConnectionError as error:
        print(error, file=sys.stderr)
