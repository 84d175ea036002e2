// panics KIND: one real end of each kind that Rust has, in a function named after it.
#![allow(dead_code)]

use std::alloc::{handle_alloc_error, Layout};
use std::hint::black_box;

extern "C" {
    fn qsort(rows: *mut i32, count: usize, size: usize, compare: extern "C" fn(*const i32, *const i32) -> i32);
}

mod index {
    use super::*;

    #[inline(never)]
    pub fn unwrap_none(rows: &[i32]) -> i32 {
        rows.iter().find(|row| **row == 42).copied().unwrap() + 1
    }

    #[inline(never)]
    pub fn expect_error(text: &str) -> i32 {
        text.parse::<i32>().expect("a number") + 1
    }

    #[inline(never)]
    pub fn out_of_bounds(rows: &[i32], at: usize) -> i32 {
        rows[at] + 1
    }

    #[inline(never)]
    pub fn explicit(rows: &[i32]) -> i32 {
        if rows.len() == 3 {
            panic!("segment {} is not loaded", 42);
        }
        1
    }

    #[inline(never)]
    pub fn out_of_memory(size: usize) {
        black_box(Vec::<u8>::with_capacity(size));
        black_box(1);
    }

    pub extern "C" fn compare(one: *const i32, other: *const i32) -> i32 {
        let order = unsafe { explicit(std::slice::from_raw_parts(one, 3)) };
        order + unsafe { *other }
    }

    pub struct Guard(pub i32);

    impl Drop for Guard {
        #[inline(never)]
        fn drop(&mut self) {
            panic!("guard {} was still held", self.0);
        }
    }

    #[inline(never)]
    pub fn twice(rows: &[i32]) -> i32 {
        let guard = Guard(7);
        explicit(rows) + guard.0
    }
}

fn main() {
    let kind = std::env::args().nth(1).unwrap_or_default();
    let mut rows = black_box(vec![1, 2, 3]);
    match kind.as_str() {
        "unwrap" => drop(index::unwrap_none(&rows)),
        "expect" => drop(index::expect_error(&kind)),
        "index" => drop(index::out_of_bounds(&rows, kind.len())),
        "explicit" => drop(index::explicit(&rows)),
        "memory" => index::out_of_memory(black_box(1 << 46)),
        "border" => unsafe { qsort(rows.as_mut_ptr(), 3, 4, index::compare) },
        "twice" => drop(index::twice(&rows)),
        _ => eprintln!("unknown kind: {kind}"),
    }
    let _ = handle_alloc_error as fn(Layout) -> !;
}
