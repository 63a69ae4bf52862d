// SPDX-License-Identifier: Apache-2.0
//! The `tokenizers` library behind a few C functions (fairy2_tokenizers.h). No panic crosses the boundary: each
//! call catches it and hands back its message as an error text.

use std::ffi::{c_char, CString};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;
use std::slice;
use std::sync::Once;

use tokenizers::Tokenizer;

type Fallible<T> = Result<T, String>;

/// Runs `body`; on error or panic stores the text in `*error` and gives `None`.
fn guarded<T>(error: *mut *mut c_char, body: impl FnOnce() -> Fallible<T>) -> Option<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied());
        Err(text.unwrap_or("the tokenizer library gave up").to_string())
    });
    match outcome {
        Ok(value) => Some(value),
        Err(text) => {
            let text = CString::new(text.replace('\0', " ")).unwrap_or_default();
            unsafe { *error = text.into_raw() };
            None
        }
    }
}

unsafe fn bytes<'a>(data: *const u8, length: usize) -> &'a [u8] {
    if length == 0 {
        &[]
    } else {
        slice::from_raw_parts(data, length)
    }
}

/// # Safety
/// `json` must point to `length` bytes and `error` to a writable pointer.
#[no_mangle]
pub unsafe extern "C" fn fairy2_tokenizer_open(
    json: *const u8,
    length: usize,
    error: *mut *mut c_char,
) -> *mut Tokenizer {
    guarded(error, || {
        let mut tokenizer =
            Tokenizer::from_bytes(bytes(json, length)).map_err(|e| e.to_string())?;
        // Settings of somebody's batch in the file; they would cut or lengthen ids silently.
        tokenizer.with_truncation(None).map_err(|e| e.to_string())?;
        tokenizer.with_padding(None);
        Ok(Box::into_raw(Box::new(tokenizer)))
    })
    .unwrap_or(ptr::null_mut())
}

/// # Safety
/// `tokenizer` must come from `fairy2_tokenizer_open` and not be used afterwards.
#[no_mangle]
pub unsafe extern "C" fn fairy2_tokenizer_free(tokenizer: *mut Tokenizer) {
    if !tokenizer.is_null() {
        drop(Box::from_raw(tokenizer));
    }
}

/// # Safety
/// `tokenizer` must be alive, `text` point to `length` bytes, the out pointers be writable.
#[no_mangle]
pub unsafe extern "C" fn fairy2_tokenizer_encode(
    tokenizer: *const Tokenizer,
    text: *const u8,
    length: usize,
    add_special: bool,
    ids: *mut *mut u32,
    count: *mut usize,
    error: *mut *mut c_char,
) -> bool {
    guarded(error, || {
        let text = std::str::from_utf8(bytes(text, length)).map_err(|e| e.to_string())?;
        let encoding = (*tokenizer)
            .encode_fast(text, add_special)
            .map_err(|e| e.to_string())?;
        let boxed: Box<[u32]> = encoding.get_ids().into();
        *count = boxed.len();
        *ids = Box::into_raw(boxed).cast();
        Ok(())
    })
    .is_some()
}

/// # Safety
/// `tokenizer` must be alive, `ids` point to `count` values, the out pointers be writable.
#[no_mangle]
pub unsafe extern "C" fn fairy2_tokenizer_decode(
    tokenizer: *const Tokenizer,
    ids: *const u32,
    count: usize,
    skip_special: bool,
    text: *mut *mut u8,
    length: *mut usize,
    error: *mut *mut c_char,
) -> bool {
    guarded(error, || {
        let ids = if count == 0 {
            &[]
        } else {
            slice::from_raw_parts(ids, count)
        };
        let decoded = (*tokenizer)
            .decode(ids, skip_special)
            .map_err(|e| e.to_string())?;
        let boxed = decoded.into_bytes().into_boxed_slice();
        *length = boxed.len();
        *text = Box::into_raw(boxed).cast();
        Ok(())
    })
    .is_some()
}

/// # Safety
/// `tokenizer` must be alive and the out pointers writable.
#[no_mangle]
pub unsafe extern "C" fn fairy2_tokenizer_vocab(
    tokenizer: *const Tokenizer,
    size: *mut usize,
    largest_id: *mut u32,
    error: *mut *mut c_char,
) -> bool {
    guarded(error, || {
        let vocab = (*tokenizer).get_vocab(true);
        *size = vocab.len();
        *largest_id = vocab.values().copied().max().unwrap_or(0);
        Ok(())
    })
    .is_some()
}

/// # Safety
/// `ids` and `count` must come from one call of `fairy2_tokenizer_encode`.
#[no_mangle]
pub unsafe extern "C" fn fairy2_tokenizer_free_ids(ids: *mut u32, count: usize) {
    drop(Box::from_raw(ptr::slice_from_raw_parts_mut(ids, count)));
}

/// # Safety
/// `text` and `length` must come from one call of `fairy2_tokenizer_decode`.
#[no_mangle]
pub unsafe extern "C" fn fairy2_tokenizer_free_text(text: *mut u8, length: usize) {
    drop(Box::from_raw(ptr::slice_from_raw_parts_mut(text, length)));
}

/// # Safety
/// `error` must have been set by one of the functions above.
#[no_mangle]
pub unsafe extern "C" fn fairy2_tokenizer_free_error(error: *mut c_char) {
    drop(CString::from_raw(error));
}
