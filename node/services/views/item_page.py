"""The questions of an item's page: what may be done now, what proves a record, the tree of decomposition."""

from __future__ import annotations

from collections.abc import Mapping

from node.services.verbs import Question
from node.services.views import actions, proofs, tree

QUESTIONS: Mapping[str, Question] = {
    "item.actions": actions.item_actions, "item.proof": proofs.item_proof, "item.tree": tree.item_tree,
}
