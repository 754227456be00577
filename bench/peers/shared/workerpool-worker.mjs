import { worker } from 'workerpool'
import { work } from '../../tasks.mjs'

worker({ work })
