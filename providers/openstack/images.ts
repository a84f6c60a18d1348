/** Whether an image is named by its id. */
export function isId(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);
}

/** What a machine boots from: the image itself, or a volume that is made of it and goes with the machine. */
export function bootOf(image: string, diskGiB: number | undefined) {
  if (diskGiB === undefined) return isId(image) ? { imageId: image } : { imageName: image };
  return {
    blockDevices: [
      {
        uuid: image,
        sourceType: "image",
        destinationType: "volume",
        volumeSize: diskGiB,
        bootIndex: 0,
        deleteOnTermination: true,
      },
    ],
  };
}
