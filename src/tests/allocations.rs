//! Routing allocates nothing once the buffers have grown to the size of the tickets.

#![expect(unsafe_code, reason = "an allocator that counts can be had in no other way; it is in tests only")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::Arc,
};

use super::samples;
use crate::{
    policy::Policy,
    route::{OutputFormat, Router},
    ticket::{Format, Limits, Payload, transcode},
};

/// Counts the allocations of each thread: tests run side by side.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    // Threads also allocate while their locals are being taken down.
    _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the contract of `alloc`, which is that of the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as for `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the pointer came from the system's allocator, the rest is the caller's contract.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn allocations(mut work: impl FnMut()) -> u64 {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(7)))), 1);
}

#[test]
fn routing_json_to_json_allocates_nothing_in_the_steady_state() {
    let tickets: Vec<Vec<u8>> = samples::tickets().map(<[u8]>::to_vec).collect();
    assert_eq!(steady_state(&tickets, OutputFormat::Json), 0);
}

#[test]
fn routing_protobuf_to_protobuf_allocates_nothing_in_the_steady_state() {
    let limits = Limits::default();
    let to_protobuf = |json: &[u8]| {
        let payload = Payload::of(None, Some(json), &limits).expect("the samples are JSON");
        let mut bytes = Vec::new();
        transcode(payload, Format::Protobuf, &mut bytes).expect("the samples are tickets");
        bytes
    };
    let tickets: Vec<Vec<u8>> = samples::tickets().map(to_protobuf).collect();
    assert_eq!(steady_state(&tickets, OutputFormat::Protobuf), 0);
}

/// Routes all tickets twice and returns the allocations of the second time.
fn steady_state(tickets: &[Vec<u8>], output: OutputFormat) -> u64 {
    let catalog = samples::catalog();
    let mut router = Router::new(Arc::new(Policy::builtin()), Limits::default(), output);
    let mut route_all = || {
        for ticket in tickets {
            router.route(&catalog, None, Some(ticket)).expect("the samples are tickets");
        }
    };
    route_all();
    allocations(route_all)
}
