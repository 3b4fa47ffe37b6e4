import { execFileSync, spawnSync } from 'node:child_process'
import type { Test } from 'tap'
import { skipWithout } from '../../../tools/requirements.mjs'

/** Two hosts on one cable, and behind the second an address that is no neighbour of the first; no way out of either. */
export interface Cable {
  /** What a command is prefixed with to run on the host of the camera, or on that of the viewer. */
  camera: string[]
  viewer: string[]
  cameraAddress: string
  /** From now on the viewer comes from an address that the camera reaches by a route, and not in its own network. */
  goFar(): void
  comeBack(): void
}

/** Why such a test is skipped: false where network namespaces can be made. */
export function skipWithoutNamespaces(): string | false {
  const without = skipWithout('ip')
  if (without !== false) return without
  const { status } = spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' })
  return status === 0 ? false : 'needs root, to make network namespaces'
}

export function layCable(t: Test): Cable {
  const [camera, viewer] = ['camera', 'viewer'].map((name) => `lenskey-${name}-${process.pid}`)
  const ip = (...words: string[]): void => { execFileSync('ip', words) }
  t.teardown(() => { for (const name of [camera, viewer]) spawnSync('ip', ['netns', 'del', name]) })
  for (const name of [camera, viewer]) {
    ip('netns', 'add', name)
    ip('-n', name, 'link', 'set', 'lo', 'up')
  }
  ip('-n', camera, 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'cable', 'netns', viewer)
  const [cameraAddress, viewerAddress, farAddress] = ['10.77.0.1', '10.77.0.2', '10.99.0.1']
  for (const [name, address] of [[camera, cameraAddress], [viewer, viewerAddress]]) {
    ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'cable')
    ip('-n', name, 'link', 'set', 'cable', 'up')
  }
  ip('-n', viewer, 'addr', 'add', `${farAddress}/32`, 'dev', 'lo')
  ip('-n', camera, 'route', 'add', `${farAddress}/32`, 'via', viewerAddress)
  const on = (name: string): string[] => ['ip', 'netns', 'exec', name]
  return {
    camera: on(camera), viewer: on(viewer), cameraAddress,
    goFar: () => { ip('-n', viewer, 'route', 'add', `${cameraAddress}/32`, 'dev', 'cable', 'src', farAddress) },
    comeBack: () => { ip('-n', viewer, 'route', 'del', `${cameraAddress}/32`) },
  }
}
