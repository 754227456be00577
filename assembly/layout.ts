// Sizes and status numbers of the framing path. JavaScript reads them from the module's exports, so
// that each stands here alone; docs/wire.md is checked against them by a test.

/** Bytes of the length prefix: a u64 in native byte order, which WebAssembly fixes as little-endian. */
export const HEADER_BYTES: i32 = 8

/** Stands, eight times in a row, where a length will be written. JSON text never contains this byte. */
export const PLACEHOLDER: i32 = 0x01

/** Room for one packet to send. No packet is made longer than this. */
export const OUTBOX_BYTES: i32 = 256 * 1024

/**
 * Room for one received packet. The longest that Linux makes of any SO_SNDBUF is 4,263,616 bytes with
 * 4 KiB pages (KMALLOC_MAX_SIZE and 17 page fragments, less overhead). Untouched pages cost nothing.
 */
export const INBOX_BYTES: i32 = 8 * 1024 * 1024

/** Bytes after a block that the widest load or store may touch beside those that it is for. */
export const SLACK_BYTES: i32 = 64

/** The first block for a frame that is put together; it doubles from here. */
export const REASSEMBLY_BYTES: i32 = 64 * 1024

/** Bytes of what `walkFrames` writes: frames (i32), bytes (u32), refused (i32), refusedBytes (u32), declared (f64). */
export const WALKED_BYTES: i32 = 24

// What `walkFrames` says of the bytes behind the last whole frame.

/** Nothing is left over. */
export const WHOLE: i32 = 0
/** Fewer bytes than a header. */
export const CUT_HEADER: i32 = 1
/** A header, and less than its frame. */
export const CUT_FRAME: i32 = 2
/** The same, and the header promises more than the limit. */
export const OVER_LIMIT: i32 = 3
