import type { Prepare } from '../scenario.js'
import { descriptors } from './descriptors.js'
import { full } from './full.js'
import { handing } from './handing.js'
import { iterating } from './iterating.js'
import { long } from './long.js'
import { raw } from './raw.js'
import { selecting } from './selecting.js'
import { small } from './small.js'
import { starting } from './starting.js'
import { stream } from './stream.js'
import { sync } from './sync.js'
import { waiting } from './waiting.js'

export const scenarios = {
  descriptors,
  full,
  handing,
  iterating,
  long,
  raw,
  selecting,
  small,
  starting,
  stream,
  sync,
  waiting,
} satisfies Record<string, Prepare>

export type ScenarioName = keyof typeof scenarios
