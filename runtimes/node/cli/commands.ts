import { camera } from './camera.ts'
import { type Command } from './command.ts'
import { coap } from './coap.ts'
import { demo } from './demo.ts'
import { discover } from './discover.ts'
import { iam } from './iam.ts'
import { keygen } from './keygen.ts'
import { pair } from './pair.ts'
import { product } from './product.ts'
import { register } from './register.ts'
import { sct } from './sct.ts'
import { serve } from './serve.ts'
import { sts } from './sts.ts'
import { token } from './token.ts'
import { view } from './view.ts'

/** Every subcommand, in the order in which a newcomer meets them. */
export const commands: Command[] = [keygen, token, serve, register, product, camera, discover, pair, view, coap, iam, sct, sts, demo]
