import socket
import sys

port = int(sys.argv[1])
nobody = port + 1
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", port))
listener.listen()
client = socket.create_connection(("127.0.0.1", port))
server, _ = listener.accept()
client.send(b"hello")
server.recv(9)
server.shutdown(socket.SHUT_WR)
client.recv(9)
client.close()
server.close()
try:
    socket.create_connection(("127.0.0.1", nobody))
except ConnectionRefusedError:
    pass
v6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
receiver.bind(("::1", port))
v6.sendto(b"hi", ("::1", port))
receiver.recv(9)
