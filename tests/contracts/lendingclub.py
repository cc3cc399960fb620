"""The contract of the LendingClub portfolio: nine features, two of them categories, missing values allowed."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.characteristic import Characteristic


class LendingClub(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One loan of LendingClub's early years, as known at application."""

    annual_income: (
        Annotated[
            float,
            Meta(ge=0, le=10_000_000, title="Annual income"),
            Characteristic(unit="USD/year", risk="falls", reason="Your income is low for a loan of this kind."),
        ]
        | None
    ) = None
    loan_amount: Annotated[
        float,
        Meta(ge=500, le=100_000, title="Loan amount"),
        Characteristic(unit="USD", risk="rises", reason="The amount you asked for is high."),
    ]
    employment_length: (
        Annotated[
            float,
            Meta(ge=0, le=10, title="Employment length", description="Ten stands for ten years or more."),
            Characteristic(unit="years", risk="falls", reason="Your employment is recent or was not given."),
        ]
        | None
    ) = None
    credit_history: (
        Annotated[
            float,
            Meta(ge=0, le=80, title="Credit history", description="Time since the first credit line."),
            Characteristic(unit="years", risk="falls", reason="Your credit history is short."),
        ]
        | None
    ) = None
    sub_grade: Annotated[
        int,
        Meta(ge=1, le=35, title="Sub-grade", description="The lender's grade, 1 (A1, safest) to 35 (G5)."),
        Characteristic(risk="rises", reason="The grade given to your application shows a raised risk."),
    ]
    debt_to_income: (
        Annotated[
            float,
            Meta(ge=0, le=100, title="Debt to income"),
            Characteristic(unit="%", risk="rises", reason="Your debts are high for your income."),
        ]
        | None
    ) = None
    revolving_utilisation: (
        Annotated[
            float,
            Meta(ge=0, le=2, title="Revolving utilisation", description="Share of the revolving credit in use."),
            Characteristic(unit="share", risk="rises", reason="You use much of your revolving credit."),
        ]
        | None
    ) = None
    home_ownership: Annotated[
        Literal["RENT", "MORTGAGE", "OWN", "OTHER", "NONE"],
        Meta(title="Home ownership"),
        Characteristic(reason="Your housing situation shows a raised risk."),
    ]
    purpose: Annotated[
        str,
        Meta(max_length=40, title="Purpose"),
        Characteristic(reason="Loans for the purpose you gave show a raised risk."),
    ]
