//! A connection that is read a byte at a time and not without end.
//!
//! Whoever sits on the path may put words behind a server's last plain answer. Read along with it they would pass for what
//! the server says once TLS protects it; left where they are, they break TLS instead, and nothing is believed.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::io as io_of_futures;
use lettre::transport::smtp::Error;
#[expect(deprecated, reason = "there is no other way to TLS over a connection that is not read without end")]
use lettre::transport::smtp::client::AsyncNetworkStream;
use lettre::transport::smtp::client::{AsyncTokioStream, TlsParameters};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// All answers to one mail, certificates among them, are shorter, in bytes. An answer is read anew with each part of it, so
/// that much more would take a while.
const BYTES_MAX: usize = 1 << 16;

/// A connection, and how much more of it is read.
#[derive(Debug)]
pub(super) struct Wary {
    stream: TcpStream,
    left: usize,
}

impl Wary {
    pub(super) fn of(stream: TcpStream) -> Self {
        Self { stream, left: BYTES_MAX }
    }
}

impl AsyncRead for Wary {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Some(left) = self.left.checked_sub(1) else { return Poll::Ready(Err(io::Error::other("endless answers"))) };
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut one))?;
        into.put_slice(one.filled());
        self.left = left;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wary {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncTokioStream for Wary {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

/// A connection that TLS protects from its first byte on, as one that SMTP is spoken over.
#[derive(Debug)]
#[expect(deprecated, reason = "as above")]
pub(super) struct Veiled(AsyncNetworkStream);

impl Veiled {
    /// Shakes hands over this connection.
    #[expect(deprecated, reason = "as above")]
    pub(super) async fn over(stream: Wary, tls: TlsParameters) -> Result<Self, Error> {
        let mut stream = AsyncNetworkStream::use_existing_tokio1(Box::new(stream));
        stream.upgrade_tls(tls).await?;
        Ok(Self(stream))
    }
}

impl AsyncRead for Veiled {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read =
            ready!(io_of_futures::AsyncRead::poll_read(Pin::new(&mut self.0), context, into.initialize_unfilled()))?;
        into.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Veiled {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        io_of_futures::AsyncWrite::poll_write(Pin::new(&mut self.0), context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        io_of_futures::AsyncWrite::poll_flush(Pin::new(&mut self.0), context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        io_of_futures::AsyncWrite::poll_close(Pin::new(&mut self.0), context)
    }
}

impl AsyncTokioStream for Veiled {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }
}
