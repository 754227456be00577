// Sizes and status numbers of framing. JavaScript reads them from the module's exports, so that each is
// defined only here; a test compares docs/wire.md with them.

/** Bytes of the length prefix: a u64 in native byte order, which WebAssembly fixes as little-endian. */
export const HEADER_BYTES: i32 = 8

/** Marks, eight times in a row, the place of a length. JSON text never contains this byte. */
export const PLACEHOLDER: i32 = 0x01

/** Room for one packet to send: the longest that is made. */
export const OUTBOX_BYTES: i32 = 256 * 1024

/**
 * Room for one received packet. With 4 KiB pages the longest that Linux makes, whatever SO_SNDBUF, is 4,263,616
 * bytes (KMALLOC_MAX_SIZE and 17 page fragments, less overhead). Untouched pages cost nothing.
 */
export const INBOX_BYTES: i32 = 8 * 1024 * 1024

/** Bytes after a block that the widest load or store may touch beyond the bytes that it is for. */
export const SLACK_BYTES: i32 = 64

/** The first block of a reassembly; it doubles from here. */
export const REASSEMBLY_BYTES: i32 = 64 * 1024

/** Bytes that `walkFrames` writes: frames (i32), bytes (u32), refused (i32), refusedBytes (u32), declared (f64). */
export const WALKED_BYTES: i32 = 24

// The status that `walkFrames` returns for the bytes after the last whole frame.

/** No bytes are left. */
export const WHOLE: i32 = 0
/** Fewer bytes than a header. */
export const CUT_HEADER: i32 = 1
/** A header, and only a part of its frame. */
export const CUT_FRAME: i32 = 2
/** A header, and only a part of its frame, which would be over the limit. */
export const OVER_LIMIT: i32 = 3
