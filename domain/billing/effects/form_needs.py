"""What a form of a transition needs besides the guards: facts without which no input is valid, so that the action is not possible.

The mutation refuses each such input by itself, since what it lacks depends on the input; so these are no guards. The facts are
in db/fields/forms/facts.py.
"""

# Name of the fact, which has to hold → the message where it does not.
NEEDS = {
    "something_to_reduce": "The open part of the billed amount is one cent, which cannot be reduced",
    "offer_possible": "No amount can be offered: what this payer has paid is above the open part of the billed amount",
    "agreement_possible": "No amount can be agreed upon: the least is above the open part of the billed amount",
    "payer_with_something_left": "Nothing is left that a payer of the invoice can pay: record the payment without it",
    "unapplied_cheque": "No payer who can still pay something of the invoice has unapplied money; first: Record a cheque (recordCheque)",
    "waiting_remittance": "No claim of a remittance for the invoice waits; first: Import a remittance (importRemittance)",
    "paying_cheque": "No payment pays the invoice",
    "returnable_cheque": "No payment that could be returned pays the invoice",
    "balance_may_move": "Under the coverage only what the patient is responsible for (group PR) may be billed to somebody else; an "
    "administrator can override this with a reason",
    "adjustment_possible": "Nothing is left to take off, and nothing was taken off by contract",
}
