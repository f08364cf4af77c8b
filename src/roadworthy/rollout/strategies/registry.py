"""All strategies, in the order in which they are explained."""

from __future__ import annotations

from roadworthy.domain.serving import Deployment, Strategy
from roadworthy.rollout.strategies.ab_split import AB_SPLIT
from roadworthy.rollout.strategies.basic import BASIC
from roadworthy.rollout.strategies.blue_green import BLUE_GREEN
from roadworthy.rollout.strategies.canary import CANARY
from roadworthy.rollout.strategies.champion_challenger import CHAMPION_CHALLENGER
from roadworthy.rollout.strategies.recipe import Recipe
from roadworthy.rollout.strategies.recreate import RECREATE
from roadworthy.rollout.strategies.shadow import SHADOW

RECIPES: dict[Strategy, Recipe] = {
    recipe.strategy: recipe
    for recipe in (BASIC, RECREATE, BLUE_GREEN, CANARY, AB_SPLIT, CHAMPION_CHALLENGER, SHADOW)
}
"""Every strategy's recipe; a test holds that none is missing."""


def recipe_of(deployment: Deployment) -> Recipe:
    """The recipe a deployment follows."""
    return RECIPES[deployment.strategy]
