import type Docker from 'dockerode';
export async function takeOverDirectory(
  directory: string,
  createHelper: (mounts: readonly Docker.MountSettings[]) => Promise<Docker.Container>,
): Promise<void> {
  void directory;
  void createHelper;
}
