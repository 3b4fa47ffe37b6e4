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
  /** Lays a second cable, from the host of the camera to one that the viewer does not reach. */
  layUplink(): Uplink
}

/** A host that only the camera reaches. */
export interface Uplink {
  host: string[]
  address: string
  /** The host of the camera has no way to it any more, nor anywhere else but to the viewer. */
  pull(): void
}

/** Why such a test is skipped: false where network namespaces can be made. */
export function skipWithoutNamespaces(): string | false {
  const without = skipWithout('ip')
  if (without !== false) return without
  const { status } = spawnSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' })
  return status === 0 ? false : 'needs root, to make network namespaces'
}

export function layCable(t: Test): Cable {
  const [camera, viewer, outside] = ['camera', 'viewer', 'outside'].map((name) => `lenskey-${name}-${process.pid}`)
  const ip = (...words: string[]): void => { execFileSync('ip', words) }
  const addHost = (name: string): void => {
    t.teardown(() => { spawnSync('ip', ['netns', 'del', name], { stdio: 'ignore' }) })
    ip('netns', 'add', name)
    ip('-n', name, 'link', 'set', 'lo', 'up')
  }
  const join = (cable: string, ends: [name: string, address: string][]): void => {
    ip('-n', ends[0][0], 'link', 'add', cable, 'type', 'veth', 'peer', 'name', cable, 'netns', ends[1][0])
    for (const [name, address] of ends) {
      ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', cable)
      ip('-n', name, 'link', 'set', cable, 'up')
    }
  }
  const [cameraAddress, viewerAddress, farAddress] = ['10.77.0.1', '10.77.0.2', '10.99.0.1']
  for (const name of [camera, viewer]) addHost(name)
  join('cable', [[camera, cameraAddress], [viewer, viewerAddress]])
  ip('-n', viewer, 'addr', 'add', `${farAddress}/32`, 'dev', 'lo')
  ip('-n', camera, 'route', 'add', `${farAddress}/32`, 'via', viewerAddress)
  const on = (name: string): string[] => ['ip', 'netns', 'exec', name]
  return {
    camera: on(camera), viewer: on(viewer), cameraAddress,
    goFar: () => { ip('-n', viewer, 'route', 'add', `${cameraAddress}/32`, 'dev', 'cable', 'src', farAddress) },
    comeBack: () => { ip('-n', viewer, 'route', 'del', `${cameraAddress}/32`) },
    layUplink: () => {
      const address = '10.88.0.2'
      addHost(outside)
      join('uplink', [[camera, '10.88.0.1'], [outside, address]])
      return { host: on(outside), address, pull: () => { ip('-n', camera, 'link', 'set', 'uplink', 'down') } }
    },
  }
}
