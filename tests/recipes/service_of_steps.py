"""A service on a socket that bills every run of a recipe, keeps count, and makes a result that is new each time."""

from __future__ import annotations

from decimal import Decimal

from billing_service import BillingService

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue
from runflow_widgets.client import Client, Pace
from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.ledger import Ledger
from runflow_widgets.portal import shared
from runflow_widgets.session import Session, use

KEY = "rf_live_recipes_0001"
RED = {"color_red": 200, "color_green": 0, "color_blue": 0}


class ServiceOfSteps(BillingService):
    """Counts the creations that a test has asked for."""

    CREDIT = Decimal(10_000)

    def __init__(self, folder):
        super().__init__(folder, WorkerPool(2, task_module="step_tasks"), KEY)

    def connect(self):
        """A session as a new kernel opens it, on the same record."""
        client = Client(KEY, base_url=self.url, pace=Pace(scale=0.02))
        session = Session(client, "remote", shared(), Ledger(), Catalogue.bundled())
        before = use(session)
        if before is not None:
            before.close()
        return session

    def forget(self):
        """Begin to count anew."""
        self.posts.clear()
        self.accepted.clear()
        self.answering.set()
        self.refusal = None

    @property
    def created(self):
        """How many different runs were asked for."""
        return len(self.posts)


def shop():
    """Four steps: one, one after it, and two that fan out."""
    return (
        rf.Recipe("shop")
        .then("clean", "runflow/tag-removal")
        .then("cut", "bria/background/remove")
        .fan_out("cut", {"red": ("runflow/background-color", RED), "again": "runflow/background-removal"})
    )
