// The least that a conversion of an image can cost: every layer is decompressed once, its compressed and its plain bytes
// are hashed, and the plain bytes are compressed again in blocks of 128 KiB. No tar is read and nothing is written.
//
//   convert-floor THREADS FILE...     the compression on THREADS threads; 1: all of it in one
//
// A file without gzip's first bytes is taken as plain and hashed once (an archive with plain layers). Prints seconds of
// CPU, seconds, bytes read, plain bytes and compressed bytes, with tabs between.
#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum { BLOCK = 128 << 10, INPUT = 1 << 20, LEVEL = 6, WAITING = 64 };

static void fail(const char *what, const char *why) {
  fprintf(stderr, "convert-floor: %s: %s\n", what, why);
  exit(1);
}

// Full blocks on their way to the threads that compress: a ring, guarded by one lock.
static struct {
  pthread_mutex_t lock;
  pthread_cond_t filled, emptied;
  unsigned char *blocks[WAITING];
  size_t sizes[WAITING];
  unsigned first, count;
  int closed;
  unsigned long long compressed;
} ring = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER, .emptied = PTHREAD_COND_INITIALIZER};

static size_t compress_block(struct libdeflate_compressor *compressor, const unsigned char *block, size_t size,
                             unsigned char *output) {
  // 0: no smaller than it was, so it would be stored.
  size_t done = libdeflate_zlib_compress(compressor, block, size, output, size);
  return done == 0 ? size : done;
}

static struct libdeflate_compressor *new_compressor(void) {
  struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(LEVEL);
  if (compressor == NULL) fail("libdeflate", "no memory");
  return compressor;
}

static void *work(void *unused) {
  struct libdeflate_compressor *compressor = new_compressor();
  unsigned char *block = malloc(BLOCK), *output = malloc(BLOCK);
  if (block == NULL || output == NULL) fail("malloc", "no memory");
  unsigned long long sum = 0;
  for (;;) {
    pthread_mutex_lock(&ring.lock);
    while (ring.count == 0 && !ring.closed) pthread_cond_wait(&ring.filled, &ring.lock);
    if (ring.count == 0) break;
    // The full block is taken and an empty one left in its place.
    unsigned char *full = ring.blocks[ring.first];
    size_t size = ring.sizes[ring.first];
    ring.blocks[ring.first] = block;
    block = full;
    ring.first = (ring.first + 1) % WAITING;
    ring.count--;
    pthread_cond_signal(&ring.emptied);
    pthread_mutex_unlock(&ring.lock);
    sum += compress_block(compressor, block, size, output);
  }
  ring.compressed += sum;
  pthread_mutex_unlock(&ring.lock);
  libdeflate_free_compressor(compressor);
  free(block);
  free(output);
  return unused;
}

static struct libdeflate_compressor *own;  // with one thread
static unsigned char own_output[BLOCK];

// Hands a block over and returns an empty one.
static unsigned char *hand_over(unsigned char *block, size_t size) {
  if (own != NULL) {
    ring.compressed += compress_block(own, block, size, own_output);
    return block;
  }
  pthread_mutex_lock(&ring.lock);
  while (ring.count == WAITING) pthread_cond_wait(&ring.emptied, &ring.lock);
  unsigned last = (ring.first + ring.count) % WAITING;
  unsigned char *empty = ring.blocks[last];
  ring.blocks[last] = block;
  ring.sizes[last] = size;
  ring.count++;
  pthread_cond_signal(&ring.filled);
  pthread_mutex_unlock(&ring.lock);
  return empty;
}

static unsigned char *block;
static size_t in_block;
static unsigned long long bytes_read, plain_bytes;
static EVP_MD_CTX *outer, *inner;

static void end_block(void) {
  if (in_block == 0) return;
  if (inner != NULL) EVP_DigestUpdate(inner, block, in_block);
  plain_bytes += in_block;
  block = hand_over(block, in_block);
  in_block = 0;
}

static void inflate_all(z_stream *stream, unsigned char *bytes, size_t size, const char *path) {
  stream->next_in = bytes;
  stream->avail_in = (unsigned)size;
  while (stream->avail_in > 0) {
    stream->next_out = block + in_block;
    stream->avail_out = (unsigned)(BLOCK - in_block);
    int result = inflate(stream, Z_NO_FLUSH);
    in_block = BLOCK - stream->avail_out;
    if (result == Z_STREAM_END) {
      inflateReset(stream);  // further members
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      fail(path, stream->msg == NULL ? "bad data" : stream->msg);
    }
    if (in_block == BLOCK) end_block();
  }
}

static void copy_all(const unsigned char *bytes, size_t size) {
  while (size > 0) {
    size_t part = size < BLOCK - in_block ? size : BLOCK - in_block;
    memcpy(block + in_block, bytes, part);
    in_block += part;
    bytes += part;
    size -= part;
    if (in_block == BLOCK) end_block();
  }
}

static void pass(const char *path, unsigned char *input) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(path, strerror(errno));
  z_stream stream = {0};
  int packed = -1;
  ssize_t size;
  while ((size = read(file, input, INPUT)) > 0) {
    if (packed < 0) {
      packed = size > 2 && input[0] == 0x1f && input[1] == 0x8b;
      if (packed && inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) fail(path, "zlib does not start");
      EVP_DigestInit_ex(outer, EVP_sha256(), NULL);
      inner = packed ? EVP_MD_CTX_new() : NULL;
      if (packed) EVP_DigestInit_ex(inner, EVP_sha256(), NULL);
    }
    bytes_read += (unsigned long long)size;
    EVP_DigestUpdate(outer, input, (size_t)size);
    if (packed) inflate_all(&stream, input, (size_t)size, path);
    else copy_all(input, (size_t)size);
  }
  if (size < 0) fail(path, strerror(errno));
  end_block();
  unsigned char digest[EVP_MAX_MD_SIZE];
  if (packed >= 0) EVP_DigestFinal_ex(outer, digest, NULL);
  if (packed == 1) {
    EVP_DigestFinal_ex(inner, digest, NULL);
    EVP_MD_CTX_free(inner);
    inner = NULL;
    inflateEnd(&stream);
  }
  close(file);
}

static double seconds(struct timeval time) { return (double)time.tv_sec + (double)time.tv_usec / 1e6; }

int main(int count, char **words) {
  int threads = count > 2 ? atoi(words[1]) : 0;
  if (threads < 1 || threads > 256) fail("usage", "convert-floor THREADS FILE...");
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  unsigned char *input = malloc(INPUT);
  block = malloc(BLOCK);
  outer = EVP_MD_CTX_new();
  if (input == NULL || block == NULL || outer == NULL) fail("malloc", "no memory");
  pthread_t workers[256];
  if (threads == 1) {
    own = new_compressor();
  } else {
    for (int i = 0; i < WAITING; i++)
      if ((ring.blocks[i] = malloc(BLOCK)) == NULL) fail("malloc", "no memory");
    for (int i = 0; i < threads; i++)
      if (pthread_create(&workers[i], NULL, work, NULL) != 0) fail("pthread_create", "no thread");
  }
  for (int i = 2; i < count; i++) pass(words[i], input);
  pthread_mutex_lock(&ring.lock);
  ring.closed = 1;
  pthread_cond_broadcast(&ring.filled);
  pthread_mutex_unlock(&ring.lock);
  if (threads > 1)
    for (int i = 0; i < threads; i++) pthread_join(workers[i], NULL);
  clock_gettime(CLOCK_MONOTONIC, &end);
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  printf("%.3f\t%.3f\t%llu\t%llu\t%llu\n", seconds(used.ru_utime) + seconds(used.ru_stime),
         (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9, bytes_read, plain_bytes,
         ring.compressed);
  return 0;
}
