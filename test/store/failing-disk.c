/* Lets writes and syncs of a store's files fail with EIO while a file exists: preloaded by a test in place of a broken disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fails(int fd) {
  const char *flag = getenv("FAILING_DISK_FLAG");
  if (flag == NULL || access(flag, F_OK) != 0) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return strstr(path, "index.db") != NULL || strstr(path, "/segments/") != NULL;
}

#define FAIL_IF_BROKEN(fd) if (fails(fd)) { errno = EIO; return -1; }

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  FAIL_IF_BROKEN(fd)
  ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
  return real(fd, bytes, count, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
  FAIL_IF_BROKEN(fd)
  ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
  return real(fd, bytes, count, at);
}

ssize_t write(int fd, const void *bytes, size_t count) {
  FAIL_IF_BROKEN(fd)
  ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
  return real(fd, bytes, count);
}

int fdatasync(int fd) {
  FAIL_IF_BROKEN(fd)
  int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
  return real(fd);
}

int fsync(int fd) {
  FAIL_IF_BROKEN(fd)
  int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
  return real(fd);
}
