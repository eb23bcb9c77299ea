"""The workloads that a load generator drives: which site, which request, which load."""

from launch import Question
from servers import KEEP_ALIVE, WORKERS
from sites import DEMO_SITE, HELLO_SITE, wrong_hello, wrong_json
from workload import Workload

BROWSER_HEADERS = {
    "Accept": "text/html,application/json;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "gzip, deflate, br",
    "Accept-Language": "en-GB,en;q=0.7",
    "Referer": "http://localhost/",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}
"""A Django request without them would be cheaper than any that a site really gets."""

GREETING = Question("/", wrong_hello)
HELLO = Workload("hello", "hello", "hello", HELLO_SITE, GREETING, short=True)
DJANGO = Workload(
    name="django",
    title="Django JsonResponse, default middleware",
    group="django",
    site=DEMO_SITE,
    question=Question("/json/", wrong_json, headers=BROWSER_HEADERS),
    has_floor=True,
    short=True,
)
WORKLOADS = (
    HELLO,
    Workload(
        name="hello-w2",
        title="hello, 2 workers",
        group="hello",
        site=HELLO_SITE,
        question=GREETING,
        workers=2,
        needs=frozenset({WORKERS}),
        short=True,
    ),
    Workload(
        name="hello-close",
        title="hello, a connection for each request",
        group="hello",
        site=HELLO_SITE,
        question=Question("/", wrong_hello, headers={"Connection": "close"}),
        short=True,
    ),
    Workload(
        name="hello-c1",
        title="hello, one connection",
        group="hello connections",
        site=HELLO_SITE,
        question=GREETING,
        connections=1,
        needs=frozenset({KEEP_ALIVE}),
    ),
    DJANGO,
)
