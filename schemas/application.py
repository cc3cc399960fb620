"""The application contract of the express-loan desk. Another portfolio puts its own class in place of this one."""

from typing import Annotated

from msgspec import Meta, Struct

from schemas.characteristic import Characteristic


class Application(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One application for an express loan."""

    age: Annotated[
        int,
        Meta(
            ge=18, le=100, title="Age", description="Age of the applicant on the day of the application.", examples=[35]
        ),
        Characteristic(unit="years", risk="falls", protected=True),
    ]
    income: Annotated[
        float,
        Meta(
            ge=0,
            le=10_000_000,
            title="Income",
            description="Gross income of the applicant in a year.",
            examples=[50_000],
        ),
        Characteristic(unit="EUR/year", risk="falls", reason="Your income is low for a loan of this kind."),
    ]
    loan_amount: Annotated[
        float,
        Meta(ge=100, le=1_000_000, title="Loan amount", description="Amount applied for.", examples=[15_000]),
        Characteristic(unit="EUR", risk="rises", reason="The amount you asked for is high."),
    ]
    employment_length: (
        Annotated[
            float,
            Meta(ge=0, le=60, title="Employment length", description="Time with the present employer.", examples=[5]),
            Characteristic(
                unit="years", risk="falls", reason="Your time with your present employer is short or was not given."
            ),
        ]
        | None
    ) = None
    credit_score: Annotated[
        int,
        Meta(ge=300, le=850, title="Credit score", description="Score of the credit bureau.", examples=[720]),
        Characteristic(unit="points", risk="falls", reason="Your credit history shows a raised risk."),
    ]
