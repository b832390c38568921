/** Any picture that the browser reads, as pixels. */
import { MAX_PICTURE_SIDE, type Pixels } from './fit.ts';

const MAX_FILE_BYTES = 40 * 2 ** 20;
/** A picture of more would take more than 256 MB to decode. */
const MAX_PIXELS = 64_000_000;
const LIMIT_MS = 20_000;

/** The message is for the one who draws. */
export class PictureError extends Error {
  override readonly name = 'PictureError';
}

/**
 * @returns its pixels, scaled down so that its longer side has at most 512
 * @throws PictureError that says why it cannot be used
 */
export async function decodePicture(file: Blob): Promise<Pixels> {
  if (file.size > MAX_FILE_BYTES) throw new PictureError('This picture has more than 40 MB.');
  const url = URL.createObjectURL(file);
  try {
    const image = await loaded(url);
    // A vector picture may say no size.
    const [wide, high] = [image.naturalWidth || MAX_PICTURE_SIDE, image.naturalHeight || MAX_PICTURE_SIDE];
    if (wide * high > MAX_PIXELS) throw new PictureError('This picture has more than 64 megapixels.');
    const scale = Math.min(1, MAX_PICTURE_SIDE / Math.max(wide, high));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(wide * scale));
    canvas.height = Math.max(1, Math.round(high * scale));
    const paper = canvas.getContext('2d', { willReadFrequently: true });
    if (paper === null) throw new PictureError('This browser cannot read pictures.');
    paper.imageSmoothingQuality = 'high';
    paper.drawImage(image, 0, 0, canvas.width, canvas.height);
    const { width, height, data } = paper.getImageData(0, 0, canvas.width, canvas.height);
    return { width, height, rgba: data };
  } finally {
    URL.revokeObjectURL(url);
  }
}

function loaded(url: string): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const image = new Image();
    const timer = setTimeout(
      () => reject(new PictureError('This picture takes too long to read.')),
      LIMIT_MS,
    );
    image.onload = () => {
      clearTimeout(timer);
      resolve(image);
    };
    image.onerror = () => {
      clearTimeout(timer);
      reject(new PictureError('This is not a picture that this browser can read.'));
    };
    image.src = url;
  });
}
