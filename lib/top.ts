/**
 * Lets `npx wormhole-ipc top PID` look into this program: its open ends, their rates and waits, and where each was made.
 * Importing it is all: before anything else, as by `node --import wormhole-ipc/top`, so that every end is seen. Only the
 * program's own user, and root, may look.
 *
 * @module wormhole-ipc/top
 */

import './core/supported.js'
import './channel/channel.js'
import { answerTop } from './top/answer.js'

answerTop()
