/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_PATH_BYTES = 4096, TEMPORARY_TRIES = 100 };

/* strerror() may share a buffer between threads and locales; these few words do not. */
static const char *reason(int code)
{
    switch (code) {
    case ENOENT:
        return "no such file or folder";
    case EACCES:
    case EPERM:
        return "permission denied";
    case EISDIR:
        return "it is a folder";
    case ENOTDIR:
        return "a part of the path is not a folder";
    case ENOSPC:
    case EDQUOT:
        return "the disk is full";
    case EFBIG:
        return "the file would be too large";
    case EROFS:
        return "the file system is read-only";
    case ENAMETOOLONG:
        return "the name is too long";
    case EMFILE:
    case ENFILE:
        return "too many files are open";
    case ELOOP:
        return "it is a link";
    default:
        return "the operating system refused";
    }
}

mexpr_status mx_fail_errno(mx_scope *scope, const char *verb, const char *path, int code)
{
    const mexpr_status status = code == ENOENT ? MEXPR_E_NOT_FOUND : MEXPR_E_IO;
    return mx_fail(scope, status, "cannot %s '%.200s': %s (error %d)", verb, path,
        reason(code), code);
}

/* Takes over an open descriptor: a regular file within max_file_bytes, or none. */
static mexpr_status file_from_fd(mx_scope *scope, int fd, const char *path, mx_file *file)
{
    const uint64_t limit = mx_context_limits(scope->context)->file_bytes;
    mexpr_status status = MEXPR_OK;
    struct stat info;
    if (fstat(fd, &info) != 0)
        status = mx_fail_errno(scope, "read", path, errno);
    else if (!S_ISREG(info.st_mode))
        status = mx_fail(scope, MEXPR_E_IO, "'%.200s' is not a regular file", path);
    else if ((uint64_t)info.st_size > limit)
        status = mx_fail(scope, MEXPR_E_LIMIT,
            "'%.200s' has %llu bytes, more than the limit max_file_bytes of %llu", path,
            (unsigned long long)info.st_size, (unsigned long long)limit);
    if (status != MEXPR_OK) {
        close(fd);
        return status;
    }
    file->fd = fd;
    file->size = (uint64_t)info.st_size;
    return MEXPR_OK;
}

mexpr_status mx_file_open(mx_scope *scope, const char *path, mx_file *file)
{
    *file = (mx_file)MX_FILE_NONE;
    /* O_NONBLOCK: opening a FIFO must not hang; it means nothing for regular files. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return mx_fail_errno(scope, "open", path, errno);
    return file_from_fd(scope, fd, path, file);
}

mexpr_status mx_file_read_at(mx_scope *scope, const mx_file *file, const char *path,
    uint64_t offset, void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t n =
            pread(file->fd, (uint8_t *)bytes + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return mx_fail_errno(scope, "read", path, errno);
        if (n == 0)
            return mx_fail(
                scope, MEXPR_E_IO, "'%.200s' became shorter while it was read", path);
        done += (size_t)n;
    }
    return MEXPR_OK;
}

void mx_file_close(mx_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    *file = (mx_file)MX_FILE_NONE;
}

/* Reads all of an open file into memory of the context. */
static mexpr_status read_whole(
    mx_scope *scope, const mx_file *file, const char *path, uint8_t **bytes, size_t *size)
{
    uint8_t *buffer = mx_alloc(scope, (size_t)file->size, 1);
    if (!buffer)
        return MEXPR_E_NOMEM;
    const mexpr_status status =
        mx_file_read_at(scope, file, path, 0, buffer, (size_t)file->size);
    if (status != MEXPR_OK) {
        mx_free(scope->context, buffer);
        return status;
    }
    *bytes = buffer;
    *size = (size_t)file->size;
    return MEXPR_OK;
}

mexpr_status mx_file_read(
    mx_scope *scope, const char *path, uint8_t **bytes, size_t *size)
{
    *bytes = NULL;
    *size = 0;
    mx_file file;
    mexpr_status status = mx_file_open(scope, path, &file);
    if (status == MEXPR_OK)
        status = read_whole(scope, &file, path, bytes, size);
    mx_file_close(&file);
    return status;
}

/* Opens the folder that `path` lies in. */
static int open_folder_of(const char *path)
{
    char folder[MAX_PATH_BYTES] = ".";
    const char *slash = path ? strrchr(path, '/') : NULL;
    if (slash) {
        const size_t length = slash == path ? 1 : (size_t)(slash - path);
        if (length >= sizeof folder) {
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(folder, path, length);
        folder[length] = '\0';
    }
    return open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

mexpr_status mx_file_open_beside(
    mx_scope *scope, const char *path, const char *name, mx_file *file)
{
    *file = (mx_file)MX_FILE_NONE;
    if (name[0] == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0)
        return mx_fail(scope, MEXPR_E_EXTERNAL,
            "the side file '%.200s' must lie beside its model: a plain name without "
            "folders",
            name);
    const int folder = open_folder_of(path);
    if (folder < 0)
        return mx_fail_errno(scope, "open the folder of", path, errno);
    const int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    const int code = errno;
    close(folder);
    if (fd < 0)
        return mx_fail(scope, MEXPR_E_EXTERNAL, "cannot open the side file '%.200s': %s",
            name, reason(code));
    const mexpr_status status = file_from_fd(scope, fd, name, file);
    return status == MEXPR_E_IO ? MEXPR_E_EXTERNAL : status;
}

/* Creates `path`.tmpNN with the permissions that any new file would get. */
static int open_temporary(const char *path, char *temporary, size_t temporary_size)
{
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        const int n =
            snprintf(temporary, temporary_size, "%s.tmp%ld-%d", path, (long)getpid(), i);
        if (n < 0 || (size_t)n >= temporary_size) {
            errno = ENAMETOOLONG;
            return -1;
        }
        const int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

static bool write_all(int fd, const uint8_t *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t n = write(fd, bytes + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

mexpr_status mx_file_write(
    mx_scope *scope, const char *path, const void *bytes, size_t size)
{
    char temporary[MAX_PATH_BYTES];
    struct stat info;
    /* Renaming over a device such as /dev/null would put a file in its place. */
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return mx_fail(
            scope, MEXPR_E_IO, "cannot write '%.200s': it is not a regular file", path);
    const int fd = open_temporary(path, temporary, sizeof temporary);
    if (fd < 0) {
        const mexpr_status status = mx_fail_errno(scope, "write", path, errno);
        return status == MEXPR_E_NOT_FOUND ? MEXPR_E_IO : status;
    }
    const bool written = write_all(fd, bytes, size) && fsync(fd) == 0;
    int code = errno;
    if (close(fd) == 0 && written && rename(temporary, path) == 0)
        return MEXPR_OK;
    if (written)
        code = errno;
    unlink(temporary);
    return mx_fail(scope, MEXPR_E_IO, "cannot write '%.200s': %s (error %d)", path,
        reason(code), code);
}
