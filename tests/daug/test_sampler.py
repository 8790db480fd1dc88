"""The denoiser of these tests is exact for white data: no trained network is needed."""

from itertools import pairwise

import pytest
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddim_inverse import DDIMInverseScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from daug.errors import RecipeError
from daug.sampler import (
    CLEAN,
    DdimWay,
    alpha_bar_at,
    ddim_step,
    ddim_timesteps,
    encode_ddim,
    encode_gaussian,
)
from daug.schedule import TIMESTEPS, add_noise, eps_from_x_0, linear_alpha_bar, x_0_from_eps
from daug.scheduler_way import SCHEDULERS, betas, find_way

ALPHA_BAR = linear_alpha_bar()


def gaussian_denoiser(x: Tensor, t: int) -> Tensor:
    """The exact eps for data drawn from a standard normal."""
    return (1 - ALPHA_BAR[t]).sqrt() * x


def wavy_denoiser(x: Tensor, t: int) -> Tensor:
    """Some smooth belief that depends on image and time, to compare samplers on."""
    return torch.sin(3 * x) * 0.3 + 0.5 * x + t / 2000


@pytest.fixture
def images() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, 1, 8, 8, generator=generator, dtype=torch.float64)


def test_the_schedule_is_that_of_ddpm() -> None:
    theirs = DDPMScheduler().alphas_cumprod
    torch.testing.assert_close(ALPHA_BAR.float(), theirs, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(betas(ALPHA_BAR)[[0, -1]], torch.tensor([1e-4, 0.02]).double())


def test_noising_is_that_of_ddpm(images: Tensor) -> None:
    eps, t = images.flip(0), torch.tensor([3, 700])
    ours = add_noise(images, eps, ALPHA_BAR[t][:, None, None, None])
    theirs = DDPMScheduler().add_noise(images, eps, t)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_image_and_noise_can_be_told_apart_again(images: Tensor) -> None:
    eps = images.flip(0)
    x_t = add_noise(images, eps, ALPHA_BAR[400])
    torch.testing.assert_close(x_0_from_eps(x_t, eps, ALPHA_BAR[400]), images)
    torch.testing.assert_close(eps_from_x_0(x_t, images, ALPHA_BAR[400]), eps)


@pytest.mark.parametrize(
    ("t", "t_next"), [(300, 310), (310, 300), (500, CLEAN), (0, 500), (999, 0)]
)
def test_a_step_keeps_the_image_and_the_noise_that_x_is_made_of(
    images: Tensor, t: int, t_next: int
) -> None:
    """With the true eps, one step of any length is exact: eq. 4 of Song et al. 2021 at t_next."""
    x_0, eps = images[:1], images[1:]

    def noised(t: int) -> Tensor:
        return add_noise(x_0, eps, alpha_bar_at(ALPHA_BAR, t))

    x = ddim_step(noised(t), eps, ALPHA_BAR[t], alpha_bar_at(ALPHA_BAR, t_next))
    torch.testing.assert_close(x, noised(t_next), rtol=0, atol=1e-10)


@pytest.mark.parametrize("num_steps", [5, 25, 50, 100, 500])
def test_the_way_down_is_diffusers_ddim_from_the_same_noise(images: Tensor, num_steps: int) -> None:
    scheduler = DDIMScheduler(timestep_spacing="trailing", clip_sample=False)
    scheduler.set_timesteps(2 * num_steps)  # of 1000; ours goes from 500
    theirs = images
    for t in scheduler.timesteps[num_steps:]:
        theirs = scheduler.step(wavy_denoiser(theirs, int(t)), int(t), theirs).prev_sample
    way = DdimWay(ALPHA_BAR, 500, num_steps)
    assert way.timesteps == scheduler.timesteps[num_steps:].tolist()
    *_, last = way.decode(wavy_denoiser, images, [0, 0])
    torch.testing.assert_close(last.x, theirs, rtol=1e-4, atol=1e-4)


def test_the_way_up_is_diffusers_inverse_ddim(images: Tensor) -> None:
    """diffusers asks at the noisier end of each step, we at the cleaner: alike for small steps."""
    scheduler = DDIMInverseScheduler(clip_sample=False, timestep_spacing="trailing")
    scheduler.set_timesteps(TIMESTEPS)
    theirs = images
    for t in scheduler.timesteps[:500]:
        theirs = scheduler.step(wavy_denoiser(theirs, int(t)), int(t), theirs).prev_sample
    *_, ours = encode_ddim(wavy_denoiser, images, ALPHA_BAR, ddim_timesteps(500, 500, TIMESTEPS))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0.03)


def round_trip_error(x_0: Tensor, num_steps: int) -> float:
    way = DdimWay(ALPHA_BAR, 500, num_steps)
    *_, x_t = encode_ddim(gaussian_denoiser, x_0, ALPHA_BAR, way.timesteps)
    *_, last = way.decode(gaussian_denoiser, x_t, [0] * len(x_t))
    return float((last.x - x_0).abs().max())


def test_round_trip_error_shrinks_in_step_with_the_stride(images: Tensor) -> None:
    """DDIM is a first-order solver: half the stride, half the error."""
    coarse, fine = round_trip_error(images, 50), round_trip_error(images, 100)
    assert fine == pytest.approx(coarse / 2, rel=0.15)
    assert fine < 0.1


def test_gaussian_encoding_is_the_forward_process(images: Tensor) -> None:
    noise = images.flip(0)
    assert (
        encode_gaussian(images, noise, ALPHA_BAR, 499) == add_noise(images, noise, ALPHA_BAR[499])
    ).all()


@given(noise_level=st.integers(1, TIMESTEPS), share=st.floats(0, 1))
def test_the_networks_are_asked_once_at_each_of_n_falling_timesteps_from_the_noise_level(
    noise_level: int, share: float
) -> None:
    num_steps = max(1, round(share * noise_level))
    timesteps = ddim_timesteps(noise_level, num_steps, TIMESTEPS)
    assert len(timesteps) == num_steps
    assert timesteps[0] == noise_level - 1
    assert timesteps[-1] >= 0
    assert all(a > b for a, b in pairwise(timesteps))


@pytest.mark.parametrize(
    ("noise_level", "num_steps", "complaint"),
    [(0, 1, "noise_level"), (1001, 10, "noise_level"), (10, 11, "num_steps"), (10, 0, "num_steps")],
)
def test_numbers_out_of_range_are_refused(noise_level: int, num_steps: int, complaint: str) -> None:
    with pytest.raises(RecipeError, match=complaint):
        ddim_timesteps(noise_level, num_steps, TIMESTEPS)


def end_of(name: str, x_0: Tensor, num_steps: int = 25) -> Tensor:
    way = find_way(name, ALPHA_BAR, 500, num_steps)
    noise = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(1)).double()
    x_t = encode_gaussian(x_0, noise, ALPHA_BAR, way.timesteps[0])
    *_, last = way.decode(gaussian_denoiser, x_t, [5] * len(x_t))
    return last.x.double()


def test_euler_takes_ddims_steps(images: Tensor) -> None:
    """In the variable x / sqrt(alpha_bar), DDIM is Euler's method (Song et al. 2021, eq. 14)."""
    torch.testing.assert_close(end_of("Euler", images), end_of("DDIM", images), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["DPM-Solver++", "UniPC", "DEIS"])
def test_every_deterministic_way_ends_where_many_ddim_steps_end(name: str, images: Tensor) -> None:
    truth = end_of("DDIM", images, num_steps=500)
    error = (end_of(name, images) - truth).abs().max()
    assert error < (end_of("DDIM", images) - truth).abs().max()


@pytest.mark.parametrize("name", SCHEDULERS)
def test_rows_of_one_seed_draw_the_same_noise(name: str, images: Tensor) -> None:
    twins = images[:1].repeat(2, 1, 1, 1)
    end = end_of(name, twins)
    assert (end[0] == end[1]).all()


@pytest.mark.parametrize("name", ["DDPM", "Euler ancestral"])
def test_a_stochastic_way_draws_other_noise_for_another_seed(name: str, images: Tensor) -> None:
    way = find_way(name, ALPHA_BAR, 500, 5)
    twins = images[:1].repeat(2, 1, 1, 1)
    *_, last = way.decode(gaussian_denoiser, twins, [0, 1])
    assert not torch.allclose(last.x[0], last.x[1])


def test_an_unknown_scheduler_is_refused_with_the_choice() -> None:
    with pytest.raises(RecipeError, match=r"'Heun9' is no scheduler.*DDIM, DDPM"):
        find_way("Heun9", ALPHA_BAR, 500, 5)
