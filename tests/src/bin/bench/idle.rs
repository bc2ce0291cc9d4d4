//! What it costs to be there: memory at rest, and the start.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use sallyport_tests::world::{World, eventually, process};

use crate::bed::Bed;
use crate::report::{Aim, Report, median};

/// Resident memory of both processes together: fresh ones that have answered a handshake, and those of the bed.
pub fn memory(bed: &Bed, report: &mut Report) {
    let fresh = World::new();
    let client = fresh.mcp();
    let helper = helper(&fresh);
    report.memory(
        "both processes idle, fresh",
        process::resident(client.pid()) + process::resident(helper),
        Aim::Under(16.0),
    );
    let all = process::resident(bed.client.pid()) + bed.world.helper_memory();
    report.memory("all processes idle, after all of the above", all, Aim::Under(64.0));
}

/// From the start of `sallyport serve` to its answer to the handshake.
pub fn cold_starts(bed: &Bed, report: &mut Report, samples: usize) {
    let (mut warm, mut cold) = (Vec::new(), Vec::new());
    let world = World::new();
    for _ in 0..samples {
        warm.push(start(&bed.world));
        cold.push(start(&world));
        let helper = helper(&world);
        process::signal(helper, Signal::SIGKILL);
        eventually("the helper's end", || (!process::alive(helper)).then_some(()));
    }
    report.time("cold start to the handshake, helper up", median(&warm), 10.0);
    report.time("cold start to the handshake, no helper", median(&cold), 30.0);
}

fn start(world: &World) -> Duration {
    let start = Instant::now();
    let client = world.mcp();
    let took = start.elapsed();
    assert_eq!(client.server_name(), "sallyport", "{:#}", client.server);
    took
}

/// The helper of a world; started by a first question where the handshake did not need one.
fn helper(world: &World) -> i32 {
    world.helper().unwrap_or_else(|| {
        world.mcp().call("ssh_list_hosts", serde_json::json!({})).expect_ok();
        eventually("a helper", || world.helper())
    })
}
