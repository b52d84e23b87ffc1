/*
 * SCSI commands.
 */

/* The request that a command carries out. The block layer makes room for a driver's data
 * right behind each request. */
inline struct request *_scsi_request[struct scsi_cmnd *C] =
    (struct request *)((uintptr_t)C - sizeof(struct request));
