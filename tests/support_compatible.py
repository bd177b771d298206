"""The application with COMPATIBLE_ROUTES over real HTTP, and a worker that tests lead by hand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import RedisServer
from tests.support_domain import FakeDescriber, PictureServer, make_post
from tests.support_web import Web, make_settings, make_web
from werkzeug.serving import make_server

from altwright.builders.captions import Captions
from altwright.captions.pictures.picture_fetch import PictureLimits
from altwright.net.http import Outbound
from altwright.web.realtime import threaded


@dataclass
class Deployment:
    """A served application; anna's account has posts whose pictures ``pictures`` has."""

    web: Web
    url: str
    describer: FakeDescriber
    pictures: PictureServer

    def post(self, number: int, *descriptions: str) -> None:
        """Let anna post pictures."""
        self.web.platform.add(make_post(number, *descriptions, host=self.pictures.host))

    @contextmanager
    def working(self) -> Iterator[None]:
        """Let a worker take what is due, until the block ends."""
        stop = threading.Event()

        def work() -> None:
            engine = self.web.services.engine
            while not stop.is_set():
                claimed = engine.claims.claim_next("host.boot.1.1.test")
                if claimed is None:
                    stop.wait(0.05)
                else:
                    engine.runner.run(claimed, stop)

        thread = threading.Thread(target=work, name="worker of a test")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


@contextmanager
def deployed(
    folder: Path, valkey: RedisServer, pictures: PictureServer, **settings: object
) -> Iterator[Deployment]:
    """Serve the application as it stands in the place of the replaced one."""
    wanted = {"COMPATIBLE_ROUTES": "true", **settings}
    web = make_web(make_settings(folder, valkey.url, **wanted))
    services, describer = web.services, FakeDescriber()
    limits = PictureLimits(40 << 20, 100_000_000, 30)
    captions = Captions(
        services.store,
        services.accounts,
        services.pictures,
        Outbound(frozenset({pictures.host}), timeout_s=30),
        describer,
        limits,
        longest=500,
        parallel=1,
    )
    services.engine.kinds.update(captions.kinds)
    server = make_server("127.0.0.1", 0, web.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        yield Deployment(web, url, describer, pictures)
    finally:
        threaded.close(web.app)
        server.shutdown()
        thread.join()
        server.server_close()
        web.close()
