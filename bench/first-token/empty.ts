import { report } from './key.ts'

report()
