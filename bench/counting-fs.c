// A file system that passes everything on to a directory and counts what it is asked: what a launch costs where every
// operation is a message to a busy server. Names and attributes are trusted for one second, as on NFS; an operation
// may take longer by a delay.
//
//   counting-fs SOURCE MOUNTPOINT MICROSECONDS REPORT      runs until it is unmounted
// On SIGUSR1 it writes REPORT, one line a kind: operation, count on images (*.sif), count on everything else; then
// "bytes read", "pages touched" (of 4096 bytes) and "largest read" of images; and starts again from zero.
#define _GNU_SOURCE
#define FUSE_USE_VERSION 34
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum kind { LOOKUP, GETATTR, SETATTR, READLINK, OPEN, READ, WRITE, RELEASE, OPENDIR, READDIR, RELEASEDIR, ACCESS,
            STATFS, GETXATTR, CREATE, MKDIR, UNLINK, KINDS };
static const char *const kinds[KINDS] = {"lookup", "getattr", "setattr", "readlink", "open", "read", "write", "release",
                                         "opendir", "readdir", "releasedir", "access", "statfs", "getxattr", "create",
                                         "mkdir", "unlink"};
struct node {
  char *path;
  int is_image;
  struct node *next;
};
enum { MOST_PAGES = 1 << 22 };
static struct node top = {0};
static struct node *nodes[4096];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic unsigned long counts[KINDS][2], image_bytes, largest;
static _Atomic unsigned char *pages;
static const char *report_path;
static long delay;

static struct node *of(fuse_ino_t number) { return number == FUSE_ROOT_ID ? &top : (struct node *)number; }

static void count(enum kind kind, const struct node *node) {
  atomic_fetch_add(&counts[kind][node->is_image ? 0 : 1], 1);
  if (delay > 0) {
    struct timespec time = {delay / 1000000, delay % 1000000 * 1000};
    nanosleep(&time, NULL);
  }
}

static char *join(const struct node *parent, const char *name) {
  char *path;
  if (asprintf(&path, "%s/%s", parent->path, name) < 0) abort();
  return path;
}

// One node for each path, kept for ever: its address is its number.
static struct node *node_for(char *path) {
  unsigned hash = 5381;
  for (const char *at = path; *at; at++) hash = hash * 33 + (unsigned char)*at;
  pthread_mutex_lock(&lock);
  struct node *node = nodes[hash % 4096];
  while (node && strcmp(node->path, path) != 0) node = node->next;
  if (!node) {
    node = calloc(1, sizeof *node);
    size_t length = strlen(path);
    node->path = path;
    node->is_image = length > 4 && !strcmp(path + length - 4, ".sif");
    node->next = nodes[hash % 4096];
    nodes[hash % 4096] = node;
  } else {
    free(path);
  }
  pthread_mutex_unlock(&lock);
  return node;
}

static int entry_for(char *path, struct fuse_entry_param *entry) {
  memset(entry, 0, sizeof *entry);
  if (lstat(path, &entry->attr) < 0) {
    int failed = errno;
    free(path);
    return failed;
  }
  entry->ino = (fuse_ino_t)node_for(path);
  entry->attr_timeout = entry->entry_timeout = 1;
  return 0;
}

static void op_lookup(fuse_req_t request, fuse_ino_t parent, const char *name) {
  struct fuse_entry_param entry;
  char *path = join(of(parent), name);
  size_t length = strlen(path);
  struct node named = {.is_image = length > 4 && !strcmp(path + length - 4, ".sif")};
  count(LOOKUP, &named);
  int failed = entry_for(path, &entry);
  if (failed) fuse_reply_err(request, failed);
  else fuse_reply_entry(request, &entry);
}

static void op_getattr(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
  (void)file;
  struct stat facts;
  count(GETATTR, of(number));
  if (lstat(of(number)->path, &facts) < 0) fuse_reply_err(request, errno);
  else fuse_reply_attr(request, &facts, 1);
}

static void op_setattr(fuse_req_t request, fuse_ino_t number, struct stat *wanted, int what, struct fuse_file_info *file) {
  (void)file;
  const char *path = of(number)->path;
  struct stat facts;
  count(SETATTR, of(number));
  if (((what & FUSE_SET_ATTR_MODE) && chmod(path, wanted->st_mode) < 0) ||
      ((what & FUSE_SET_ATTR_SIZE) && truncate(path, wanted->st_size) < 0) || lstat(path, &facts) < 0)
    fuse_reply_err(request, errno);
  else
    fuse_reply_attr(request, &facts, 1);
}

static void op_readlink(fuse_req_t request, fuse_ino_t number) {
  char target[4097];
  count(READLINK, of(number));
  ssize_t length = readlink(of(number)->path, target, sizeof target - 1);
  if (length < 0) {
    fuse_reply_err(request, errno);
  } else {
    target[length] = 0;
    fuse_reply_readlink(request, target);
  }
}

static void op_open(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
  count(OPEN, of(number));
  int opened = open(of(number)->path, file->flags & ~O_NOFOLLOW);
  if (opened < 0) {
    fuse_reply_err(request, errno);
    return;
  }
  file->fh = (uint64_t)opened;
  file->keep_cache = 1;
  fuse_reply_open(request, file);
}

static void op_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset, struct fuse_file_info *file) {
  struct node *node = of(number);
  count(READ, node);
  char *bytes = malloc(size);
  ssize_t got = pread((int)file->fh, bytes, size, offset);
  if (got < 0) {
    fuse_reply_err(request, errno);
  } else {
    if (node->is_image) {
      atomic_fetch_add(&image_bytes, (unsigned long)got);
      unsigned long before = largest;
      while ((unsigned long)got > before && !atomic_compare_exchange_weak(&largest, &before, (unsigned long)got)) continue;
      for (off_t page = offset / 4096; page <= (offset + got - 1) / 4096 && page < MOST_PAGES; page++) pages[page] = 1;
    }
    fuse_reply_buf(request, bytes, (size_t)got);
  }
  free(bytes);
}

static void op_write(fuse_req_t request, fuse_ino_t number, const char *bytes, size_t size, off_t offset,
                     struct fuse_file_info *file) {
  count(WRITE, of(number));
  ssize_t done = pwrite((int)file->fh, bytes, size, offset);
  if (done < 0) fuse_reply_err(request, errno);
  else fuse_reply_write(request, (size_t)done);
}

static void op_release(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
  count(RELEASE, of(number));
  close((int)file->fh);
  fuse_reply_err(request, 0);
}

static void op_opendir(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
  count(OPENDIR, of(number));
  DIR *stream = opendir(of(number)->path);
  if (!stream) {
    fuse_reply_err(request, errno);
    return;
  }
  file->fh = (uint64_t)stream;
  fuse_reply_open(request, file);
}

static void op_readdir(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset, struct fuse_file_info *file) {
  DIR *stream = (DIR *)file->fh;
  count(READDIR, of(number));
  char *bytes = malloc(size);
  size_t used = 0;
  seekdir(stream, offset);
  struct dirent *entry;
  while ((entry = readdir(stream))) {
    struct stat facts = {.st_ino = entry->d_ino, .st_mode = (mode_t)entry->d_type << 12};
    size_t wanted = fuse_add_direntry(request, bytes + used, size - used, entry->d_name, &facts, telldir(stream));
    if (wanted > size - used) break;
    used += wanted;
  }
  fuse_reply_buf(request, bytes, used);
  free(bytes);
}

static void op_releasedir(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *file) {
  count(RELEASEDIR, of(number));
  closedir((DIR *)file->fh);
  fuse_reply_err(request, 0);
}

static void op_statfs(fuse_req_t request, fuse_ino_t number) {
  struct statvfs facts;
  count(STATFS, of(number));
  if (statvfs(of(number)->path, &facts) < 0) fuse_reply_err(request, errno);
  else fuse_reply_statfs(request, &facts);
}

static void op_getxattr(fuse_req_t request, fuse_ino_t number, const char *name, size_t size) {
  (void)name, (void)size;
  count(GETXATTR, of(number));
  fuse_reply_err(request, ENODATA);
}

static void op_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *file) {
  struct fuse_entry_param entry;
  char *path = join(of(parent), name);
  count(CREATE, of(parent));
  int opened = open(path, file->flags | O_CREAT, mode);
  if (opened >= 0 && lchown(path, fuse_req_ctx(request)->uid, fuse_req_ctx(request)->gid) < 0) close(opened), opened = -1;
  int failed = opened < 0 ? errno : entry_for(path, &entry);
  if (failed) {
    fuse_reply_err(request, failed);
    return;
  }
  file->fh = (uint64_t)opened;
  fuse_reply_create(request, &entry, file);
}

static void op_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode) {
  struct fuse_entry_param entry;
  char *path = join(of(parent), name);
  count(MKDIR, of(parent));
  int failed = mkdir(path, mode) < 0 ? errno : 0;
  if (!failed && lchown(path, fuse_req_ctx(request)->uid, fuse_req_ctx(request)->gid) < 0) failed = errno;
  if (!failed) failed = entry_for(path, &entry);
  if (failed) fuse_reply_err(request, failed);
  else fuse_reply_entry(request, &entry);
}

static void op_unlink(fuse_req_t request, fuse_ino_t parent, const char *name) {
  char *path = join(of(parent), name);
  count(UNLINK, of(parent));
  fuse_reply_err(request, remove(path) < 0 ? errno : 0);
  free(path);
}

static void *reporter(void *set) {
  for (;;) {
    int number;
    if (sigwait(set, &number) != 0) continue;
    char *path;
    if (asprintf(&path, "%s.new", report_path) < 0) abort();
    FILE *out = fopen(path, "w");
    if (!out) continue;
    for (int kind = 0; kind < KINDS; kind++) {
      unsigned long image = atomic_exchange(&counts[kind][0], 0), other = atomic_exchange(&counts[kind][1], 0);
      if (image || other) fprintf(out, "%s\t%lu\t%lu\n", kinds[kind], image, other);
    }
    unsigned long touched = 0;
    for (long page = 0; page < MOST_PAGES; page++) touched += pages[page], pages[page] = 0;
    fprintf(out, "bytes read\t%lu\t0\npages touched\t%lu\t0\nlargest read\t%lu\t0\n", atomic_exchange(&image_bytes, 0),
            touched, atomic_exchange(&largest, 0));
    fclose(out);
    rename(path, report_path);
    free(path);
  }
  return NULL;
}

int main(int words_count, char **words) {
  if (words_count != 5) {
    fprintf(stderr, "usage: counting-fs SOURCE MOUNTPOINT MICROSECONDS REPORT\n");
    return 1;
  }
  static const struct fuse_lowlevel_ops operations = {
      .lookup = op_lookup, .getattr = op_getattr, .setattr = op_setattr, .readlink = op_readlink, .open = op_open,
      .read = op_read, .write = op_write, .release = op_release, .opendir = op_opendir, .readdir = op_readdir,
      .releasedir = op_releasedir, .statfs = op_statfs, .getxattr = op_getxattr, .create = op_create, .mkdir = op_mkdir,
      .unlink = op_unlink, .rmdir = op_unlink};
  top.path = words[1];
  delay = atol(words[3]);
  report_path = words[4];
  pages = calloc(MOST_PAGES, 1);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_t thread;
  pthread_create(&thread, NULL, reporter, &set);
  umask(0);
  char *arguments[] = {words[0], "-o", "allow_other,default_permissions,fsname=counting", NULL};
  struct fuse_args args = FUSE_ARGS_INIT(3, arguments);
  struct fuse_session *session = fuse_session_new(&args, &operations, sizeof operations, NULL);
  if (!session || fuse_session_mount(session, words[2]) != 0) return 1;
  struct fuse_loop_config configuration = {.clone_fd = 0, .max_idle_threads = 64};
  int result = fuse_session_loop_mt(session, &configuration);
  fuse_session_unmount(session);
  fuse_session_destroy(session);
  return result != 0;
}
