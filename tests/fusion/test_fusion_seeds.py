"""All seeds of a fusion in one batched program: the same numbers as one module after the other."""

import pytest
import torch
from torch.func import functional_call, grad, stack_module_state, vmap

from jcalib.concordance import ConcordanceLoss
from jcalib.fusion import FUSIONS, build_fusion, named

NAMES = list(FUSIONS)
S, B, L = 3, 4, 5


def seeds(name: str, **options: float) -> list[torch.nn.Module]:
    torch.manual_seed(0)
    return [build_fusion(name, 6, 7, L, dim=4, rank=3, **options) for _ in range(S)]


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    audio, visual = (torch.randn(B, L, d, generator=generator) for d in (6, 7))
    target = torch.rand(B, L, 2, generator=generator)
    target[0, 0, 0] = torch.nan
    return audio, visual, torch.rand(B, L, 2, generator=generator) < 0.7, target


@pytest.mark.parametrize("name", NAMES)
def test_vmap_over_seeds_equals_separate_modules(name):
    modules = [module.eval() for module in seeds(name)]
    audio, visual, mask, _ = batch()
    state = stack_module_state(modules)

    def run(parameters, buffers):
        return functional_call(modules[0], (parameters, buffers), (audio, visual, mask, True))

    together = vmap(run)(*state)
    for seed, module in enumerate(modules):
        alone = module(audio, visual, mask, maps=True)
        for field in ("prediction", "audio", "visual"):
            torch.testing.assert_close(getattr(together, field)[seed], getattr(alone, field))
        for key, value in alone.maps.items():
            torch.testing.assert_close(together.maps[key][seed], value)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_the_loss_over_seeds_equal_separate_ones(name):
    modules = seeds(name, dropout=0.0)
    audio, visual, mask, target = batch()
    loss = ConcordanceLoss()

    def compute(parameters, buffers):
        out = functional_call(modules[0], (parameters, buffers), (audio, visual, mask))
        return loss(out.prediction, target, mask.any(-1))

    together = vmap(grad(compute))(*stack_module_state(modules))
    for seed, module in enumerate(modules):
        loss(module(audio, visual, mask).prediction, target, mask.any(-1)).backward()
        for key, parameter in module.named_parameters():
            torch.testing.assert_close(together[key][seed], parameter.grad, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("name", named())
def test_dropout_differs_between_seeds(name):
    module = seeds(name)[0].train()
    audio, visual, mask, _ = batch()
    state = stack_module_state([module] * S)

    def run(parameters, buffers):
        return functional_call(module, (parameters, buffers), (audio, visual, mask))

    prediction = vmap(run, randomness="different")(*state).prediction
    assert not torch.equal(prediction[0], prediction[1])


@pytest.mark.parametrize("name", named())
def test_each_seed_may_have_its_own_batch(name):
    modules = [module.eval() for module in seeds(name)]
    generator = torch.Generator().manual_seed(1)
    audio, visual = (torch.randn(S, B, L, d, generator=generator) for d in (6, 7))
    mask = torch.rand(S, B, L, 2, generator=generator) < 0.5

    def run(parameters, buffers, *inputs):
        return functional_call(modules[0], (parameters, buffers), inputs).prediction

    together = vmap(run)(*stack_module_state(modules), audio, visual, mask)
    for seed, module in enumerate(modules):
        alone = module(audio[seed], visual[seed], mask[seed]).prediction
        torch.testing.assert_close(together[seed], alone)
