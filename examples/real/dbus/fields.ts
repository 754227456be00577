/** The fields of a message's header that method calls need, with their codes and types (dbus-specification, "Header Fields"). */
export const TYPES = {
  path: [1, 'o'],
  member: [3, 's'],
  destination: [6, 's'],
  signature: [8, 'g'],
  /** How many descriptors go with the message. */
  fds: [9, 'u'],
} as const

export type Fields = { [Name in keyof typeof TYPES]?: (typeof TYPES)[Name][1] extends 'u' ? number : string }

/** The part of a header before its fields. */
export const HEADER_BYTES = 16

/** How many bytes are missing to a place where a structure may begin. */
export const gap = (length: number): number => -length & 7
