// Forbids zod to compile code: the page's policy has no eval. Must be imported before anything that makes a schema.
import { z } from 'zod'

z.config({ jitless: true })
