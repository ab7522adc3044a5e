"""Where rosters arrive: the use case on the fakes of `tests.fakes`, and rosters and card changes to send."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.fakes import MemoryControl, MemoryLake, MemoryOrders, MemoryReports
from yikatong.bank.settings import committed_banks
from yikatong.batches import Batch, RosterObject, batches_pk, roster_object_key
from yikatong.card_files import KIND
from yikatong.cards import TITLES
from yikatong.plan import PlanBook, Settings
from yikatong.roster.people import Person
from yikatong.roster.sample import Sample, make_sample
from yikatong.roster.source import Source
from yikatong.roster_arrivals import Arrival
from yikatong.states import BatchState
from yikatong.use_cases.import_cards import CardArrival, import_cards
from yikatong.use_cases.validate_roster import validate_roster

BOOK, SETTINGS = PlanBook.committed(), Settings.committed()
SUBSIDY = BOOK.subsidy(2023, 2)
CODE = "urban-minimum-living"
KEY = "2023/230102/2/低保.csv"
NOW = datetime(2023, 6, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))


def sample(seed: int = 1, faults: float = 0.0, slot: str = "2023-06") -> Sample:
    policy = SETTINGS.for_subsidy(CODE)
    return make_sample(
        subsidy=SUBSIDY, settings=policy, region="230102", rows=200, slots=[slot], seed=seed, faults_share=faults
    )


@dataclass
class Desk:
    """Where rosters arrive."""

    control: MemoryControl = field(default_factory=MemoryControl)
    lake: MemoryLake = field(default_factory=MemoryLake)
    reports: MemoryReports = field(default_factory=MemoryReports)
    orders: MemoryOrders = field(default_factory=MemoryOrders)

    def arrive(
        self,
        content: bytes | Path,
        key: str = KEY,
        sequencer: str = "01",
        mode: str = "formal",
        upload: str = "",
        version: str = "v1",
        size: int | None = None,
        sheet: str = "",
        reissues: str = "",
    ) -> str:
        length = Source(content).size if size is None else size
        arrival = Arrival(key, version, sequencer, mode, upload, length, lambda: content, sheet, reissues)
        return validate_roster(
            arrival,
            control=self.control,
            lake=self.lake,
            reports=self.reports,
            orders=self.orders,
            book=BOOK,
            settings=SETTINGS,
            banks=committed_banks(),
            now=NOW,
        )

    def batches(self, mode: str = "formal") -> list[Batch]:
        return self.control.query(Batch, batches_pk(CODE, mode))

    def standing(self) -> Batch:
        pointer = self.control.read(RosterObject, *roster_object_key(KEY, "formal"))
        assert pointer is not None
        return next(batch for batch in self.batches() if batch.batch_id == pointer.batch_id)

    def move(self, batch: Batch, state: BatchState) -> None:
        self.control.save(batch.changed(state=state))

    def cards(self, data: bytes, sequencer: str = "01") -> None:
        imported = import_cards(
            CardArrival("cards-20230601.csv", sequencer, len(data), lambda: data),
            control=self.control,
            lake=self.lake,
            reports=self.reports,
            orders=self.orders,
            book=BOOK,
            settings=SETTINGS,
            now=NOW,
        )
        assert imported is not None


def changes_csv(*changes: tuple[str, Person]) -> bytes:
    rows = [",".join((kind, *person.card_cells())) for kind, person in changes]
    return "\r\n".join([",".join((KIND, *TITLES.values())), *rows]).encode("utf-8-sig")
